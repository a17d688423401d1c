// Files whose every byte is verified before use: header, sections, directory, and a table of block
// checksums.
//
//   0            header, 64 bytes, with a checksum of its own
//   64 KiB       sections, each at a multiple of 64 KiB, so that they can be mapped with any page
//                size of the system; zero bytes between them
//   ...          directory: describes the sections (segment_format)
//   ...          block table: CRC-32C of each 64 KiB from 64 KiB up to here
//
// The header is written last, and its checksum covers the checksum of the block table. So the
// header's checksum identifies the whole content; the manifest stores it.
//
// The layout of the 64 bytes is the same in all versions, so that a newer file can be told from a
// damaged one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace vicinal {

// The largest page size of the supported platforms: some Linux kernels for arm64 use it.
constexpr uint64_t kSectionAlignment = 64 * 1024;
constexpr uint32_t kBlockBytes = 64 * 1024;

enum class FileKind : uint8_t { Segment, Overlay, PayloadIndex };

// Identifies a file that was written or opened.
struct FileStamp {
  std::string path;
  uint64_t bytes = 0;
  // Checksum of the header.
  uint32_t crc = 0;
};

class BlockFileWriter {
public:
  static Result<BlockFileWriter> create(const std::string& path, FileKind kind);

  // Moves the position to the start of the next section and returns it.
  Result<uint64_t> startSection();
  Status append(const void* data, size_t bytes);
  uint64_t position() const { return writer_.position(); }
  // Writes directory, block table and header, and brings everything to stable storage.
  Result<FileStamp> finish(const std::string& directory);

private:
  BlockFileWriter(FileWriter writer, std::string path, FileKind kind)
      : writer_(std::move(writer)), path_(std::move(path)), kind_(kind) {}
  Status pad(uint64_t alignment);

  FileWriter writer_;
  std::string path_;
  FileKind kind_;
  std::vector<uint32_t> blockCrcs_;
  uint32_t blockCrc_ = 0;
  uint32_t blockFill_ = 0;
};

class BlockFile {
public:
  // Opens and verifies the whole file. CORRUPT names file and block; UNSUPPORTED_FORMAT if a newer
  // version wrote the file. With `blocksAreVerified` the blocks are not read: an earlier opening
  // has verified them, and the file has not changed since.
  static Result<BlockFile> open(const std::string& path, FileKind kind,
                                bool blocksAreVerified = false);

  const File& file() const { return file_; }
  const FileStamp& stamp() const { return stamp_; }
  const std::string& directory() const { return directory_; }
  uint32_t formatVersion() const { return formatVersion_; }
  Status corrupt(const std::string& what) const {
    return Status(Code::Corrupt, fileName(stamp_.path) + ": " + what);
  }
  // Whether a section lies within the verified part.
  bool holds(uint64_t offset, uint64_t bytes) const {
    return offset % kSectionAlignment == 0 && offset >= kSectionAlignment &&
           offset <= contentEnd_ && bytes <= contentEnd_ - offset;
  }

private:
  Status verify(FileKind kind, bool blocksAreVerified);
  Status verifyBlocks(const std::vector<uint32_t>& crcs) const;

  File file_;
  FileStamp stamp_;
  std::string directory_;
  uint32_t formatVersion_ = 0;
  uint64_t contentEnd_ = 0;
};

} // namespace vicinal
