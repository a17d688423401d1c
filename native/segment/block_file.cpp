#include "segment/block_file.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "base/container.hpp"
#include "base/crc32c.hpp"

namespace vicinal {

namespace {

constexpr uint32_t kFormatVersion = 9;
// The oldest version whose code can read these files, and the oldest version that this code reads.
constexpr uint32_t kLeastReader = 9;
constexpr uint32_t kOldestRead = 9;
constexpr char kMagic[3][9] = {"VICNLSEG", "VICNLOVL", "VICNLIDX"};
// Directories have some kilobytes; a directory near this size is invalid.
constexpr uint64_t kMostDirectoryBytes = 1 << 24;
constexpr uint64_t kParallelBytes = 16 << 20;
constexpr unsigned kMostVerifiers = 4;
// Padding is written in blocks of this size.
constexpr uint64_t kZeroBytes = 4096;
constexpr char kZeros[kZeroBytes] = {};

// Little-endian, like every supported platform.
struct Header {
  char magic[8];
  uint32_t formatVersion;
  uint32_t leastReader;
  uint64_t fileBytes;
  uint64_t directoryAt;
  uint64_t directoryBytes;
  uint64_t blocksAt;
  uint32_t blockBytes;
  uint32_t blocksCrc;
  uint32_t reserved;
  uint32_t headerCrc;

  uint32_t computeCrc() const { return crc32c(this, offsetof(Header, headerCrc)); }
};
static_assert(sizeof(Header) == 64);

uint64_t blockCount(const Header& header) {
  return (header.blocksAt - kSectionAlignment + kBlockBytes - 1) / kBlockBytes;
}

} // namespace

Result<BlockFileWriter> BlockFileWriter::create(const std::string& path, FileKind kind) {
  auto writer = FileWriter::create(path);
  if (!writer) return writer.status();
  BlockFileWriter file(writer.take(), path, kind);
  // Reserves the header's place. The header is written last, because its content is known last; it
  // belongs to no block.
  if (Status status = file.writer_.align(1); !status) return status;
  for (uint64_t at = 0; at < kSectionAlignment; at += kZeroBytes) {
    if (Status status = file.writer_.append(kZeros, kZeroBytes); !status) return status;
  }
  return file;
}

Status BlockFileWriter::pad(uint64_t alignment) {
  while (const uint64_t over = writer_.position() % alignment)
    VICINAL_TRY(append(kZeros, std::min(kZeroBytes, alignment - over)));
  return Status::ok();
}

Result<uint64_t> BlockFileWriter::startSection() {
  if (Status status = pad(kSectionAlignment); !status) return status;
  return writer_.position();
}

Status BlockFileWriter::append(const void* data, size_t bytes) {
  VICINAL_TRY(writer_.append(data, bytes));
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const size_t part = std::min<size_t>(bytes, kBlockBytes - blockFill_);
    blockCrc_ = crc32c(from, part, blockCrc_);
    blockFill_ += static_cast<uint32_t>(part);
    from += part;
    bytes -= part;
    if (blockFill_ < kBlockBytes) break;
    blockCrcs_.push_back(blockCrc_);
    blockCrc_ = blockFill_ = 0;
  }
  return Status::ok();
}

Result<FileStamp> BlockFileWriter::finish(const std::string& directory) {
  Header header{};
  std::memcpy(header.magic, kMagic[size_t(kind_)], sizeof header.magic);
  header.formatVersion = kFormatVersion;
  header.leastReader = kLeastReader;
  header.directoryAt = writer_.position();
  header.directoryBytes = directory.size();
  if (Status status = append(directory.data(), directory.size()); !status) return status;
  if (blockFill_ > 0) blockCrcs_.push_back(blockCrc_);
  header.blocksAt = writer_.position();
  header.blockBytes = kBlockBytes;
  const size_t tableBytes = blockCrcs_.size() * sizeof(uint32_t);
  header.blocksCrc = crc32c(blockCrcs_.data(), tableBytes);
  header.fileBytes = header.blocksAt + tableBytes;
  header.headerCrc = header.computeCrc();
  if (Status status = writer_.append(blockCrcs_.data(), tableBytes); !status) return status;
  if (Status status = writer_.overwrite(0, &header, sizeof header); !status) return status;
  if (Status status = writer_.finish(); !status) return status;
  return FileStamp{path_, header.fileBytes, header.headerCrc};
}

Result<BlockFile> BlockFile::open(const std::string& path, FileKind kind, bool blocksAreVerified) {
  auto file = File::openRead(path);
  if (!file) return file.status();
  BlockFile opened;
  opened.file_ = file.take();
  opened.stamp_.path = path;
  if (Status status = opened.verify(kind, blocksAreVerified); !status) return status;
  return opened;
}

Status BlockFile::verify(FileKind kind, bool blocksAreVerified) {
  auto bytes = file_.size();
  if (!bytes) return bytes.status();
  Header header;
  if (*bytes < kSectionAlignment) return corrupt("the file is shorter than its header");
  VICINAL_TRY(file_.readAt(0, &header, sizeof header));
  if (std::memcmp(header.magic, kMagic[size_t(kind)], sizeof header.magic) != 0)
    return corrupt("block 0: it does not start like a file of its kind");
  if (header.headerCrc != header.computeCrc())
    return corrupt("block 0: the checksum of the header does not match");
  if (header.leastReader > kFormatVersion)
    return Status(Code::UnsupportedFormat, fileName(stamp_.path) + ": format version " +
                                               std::to_string(header.formatVersion) +
                                               " needs a reader of version " +
                                               std::to_string(header.leastReader) +
                                               ", this one is " + std::to_string(kFormatVersion));
  // Older formats are refused. Their data is also in the table or in payloads.
  if (header.formatVersion < kOldestRead)
    return corrupt("format version " + std::to_string(header.formatVersion) +
                   " is older than any that is read");
  const bool isSound = header.fileBytes == *bytes && header.blockBytes == kBlockBytes &&
                       header.blocksAt >= kSectionAlignment && header.blocksAt <= *bytes &&
                       header.directoryAt >= kSectionAlignment &&
                       header.directoryBytes <= kMostDirectoryBytes &&
                       header.directoryAt <= header.blocksAt &&
                       header.directoryAt + header.directoryBytes == header.blocksAt &&
                       blockCount(header) * sizeof(uint32_t) == *bytes - header.blocksAt;
  if (!isSound)
    return corrupt("the file has " + std::to_string(*bytes) + " bytes, its header says " +
                   std::to_string(header.fileBytes));
  std::vector<uint32_t> crcs(blockCount(header));
  VICINAL_TRY(file_.readAt(header.blocksAt, crcs.data(), crcs.size() * sizeof(uint32_t)));
  if (crc32c(crcs.data(), crcs.size() * sizeof(uint32_t)) != header.blocksCrc)
    return corrupt("the checksum of the block table does not match");
  // The bytes between header and first section belong to no block.
  std::vector<char> gap(kSectionAlignment - sizeof header);
  VICINAL_TRY(file_.readAt(sizeof header, gap.data(), gap.size()));
  if (std::any_of(gap.begin(), gap.end(), [](char byte) { return byte != 0; }))
    return corrupt("block 0: bytes behind the header are not zero");
  stamp_.bytes = *bytes;
  stamp_.crc = header.headerCrc;
  formatVersion_ = header.formatVersion;
  contentEnd_ = header.blocksAt;
  if (!blocksAreVerified) VICINAL_TRY(verifyBlocks(crcs));
  directory_.resize(header.directoryBytes);
  return file_.readAt(header.directoryAt, directory_.data(), directory_.size());
}

// Reads through a buffer instead of the mapping, so that pages that are not needed yet stay out of
// memory.
Status BlockFile::verifyBlocks(const std::vector<uint32_t>& crcs) const {
  std::atomic<size_t> next{0};
  std::atomic<size_t> firstWrong{crcs.size()};
  std::vector<Status> failures(kMostVerifiers);
  const auto verifySome = [&](Status& failure) {
    std::vector<char> buffer(kBlockBytes);
    for (size_t block = next++; block < crcs.size(); block = next++) {
      const uint64_t from = kSectionAlignment + uint64_t(block) * kBlockBytes;
      const size_t bytes = std::min<uint64_t>(kBlockBytes, contentEnd_ - from);
      failure = file_.readAt(from, buffer.data(), bytes);
      if (!failure) return;
      if (crc32c(buffer.data(), bytes) == crcs[block]) continue;
      size_t known = firstWrong.load();
      while (block < known && !firstWrong.compare_exchange_weak(known, block)) {
      }
      return;
    }
  };
  const auto verify = [&](Status& failure) {
    const Status ended = attempt([&] {
      verifySome(failure);
      return Status::ok();
    });
    if (!ended) failure = ended;
  };
  const unsigned helpers =
      contentEnd_ < kParallelBytes ? 0 : std::min(usableCores(), kMostVerifiers) - 1;
  std::vector<std::thread> threads;
  // If a thread cannot be started, fewer threads do the work.
  (void)attempt([&] {
    threads.reserve(helpers);
    for (unsigned helper = 0; helper < helpers; helper++)
      threads.emplace_back([&, helper] { verify(failures[helper + 1]); });
    return Status::ok();
  });
  verify(failures[0]);
  for (std::thread& thread : threads) thread.join();
  for (const Status& failure : failures) VICINAL_TRY(failure);
  if (firstWrong < crcs.size()) {
    const uint64_t from = kSectionAlignment + uint64_t(firstWrong) * kBlockBytes;
    // Block 0 is the header's.
    return corrupt("block " + std::to_string(firstWrong + 1) + " (from byte " +
                   std::to_string(from) + "): the checksum does not match");
  }
  return Status::ok();
}

} // namespace vicinal
