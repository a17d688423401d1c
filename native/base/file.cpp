#include "base/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace vicinal {

namespace {

constexpr size_t bufferBytes = size_t(1) << 20;
constexpr mode_t privateMode = 0600;

template <typename Call> auto withoutInterruption(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

} // namespace

std::string fileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

Result<File> File::open(const std::string& path, int flags) {
  const int descriptor =
      withoutInterruption([&] { return ::open(path.c_str(), flags | O_CLOEXEC, privateMode); });
  if (descriptor < 0) return Status::fromErrno(errno, "opening " + fileName(path));
  return File(descriptor, path);
}

Status File::failed(const char* action) const {
  return Status::fromErrno(errno, std::string(action) + " " + fileName(path_));
}

Result<File> File::openRead(const std::string& path) { return open(path, O_RDONLY); }

Result<File> File::create(const std::string& path) { return open(path, O_RDWR | O_CREAT | O_EXCL); }

Status File::writeAt(uint64_t offset, const void* data, size_t bytes) {
  auto at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const ssize_t written =
        withoutInterruption([&] { return ::pwrite(descriptor_, at, bytes, off_t(offset)); });
    if (written < 0) return failed("writing");
    if (written == 0)
      return {Code::IoFailed, "writing " + fileName(path_) + ": nothing was written"};
    at += written;
    offset += uint64_t(written);
    bytes -= size_t(written);
  }
  return Status::ok();
}

Status File::readAt(uint64_t offset, void* into, size_t bytes) const {
  auto at = static_cast<std::byte*>(into);
  while (bytes > 0) {
    const ssize_t seen =
        withoutInterruption([&] { return ::pread(descriptor_, at, bytes, off_t(offset)); });
    if (seen < 0) return failed("reading");
    if (seen == 0)
      return {Code::Corrupt, fileName(path_) + " ends at byte " + std::to_string(offset) + ", " +
                                 std::to_string(bytes) + " bytes are missing"};
    at += seen;
    offset += uint64_t(seen);
    bytes -= size_t(seen);
  }
  return Status::ok();
}

Status File::readCachedAt(uint64_t offset, void* into, size_t bytes) const {
#ifdef RWF_NOWAIT
  const struct iovec part { into, bytes };
  const ssize_t count = ::preadv2(descriptor_, &part, 1, off_t(offset), RWF_NOWAIT);
  if (count == ssize_t(bytes)) return Status::ok();
  if (count >= 0 || errno == EAGAIN) return {Code::Cancelled, "the bytes are not in memory"};
#endif
  return readAt(offset, into, bytes);
}

Status File::sync() {
  if (withoutInterruption([&] { return ::fsync(descriptor_); }) != 0) return failed("fsync of");
  return Status::ok();
}

// close() is not repeated after EINTR: on Linux the descriptor is closed by then, and another
// thread may have reused its number.
Status File::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0 && ::close(descriptor) != 0 && errno != EINTR) return failed("closing");
  return Status::ok();
}

Result<uint64_t> File::size() const {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) return failed("size of");
  return uint64_t(facts.st_size);
}

FileWriter::FileWriter(File file) : file_(std::move(file)), buffer_(new std::byte[bufferBytes]) {}

Result<FileWriter> FileWriter::create(const std::string& path) {
  auto file = File::create(path);
  if (!file) return file.status();
  return FileWriter(file.take());
}

FileWriter::~FileWriter() {
  // A moved-from writer has no buffer; its file belongs to the new writer.
  if (buffer_ && !finished_) ::unlink(file_.path().c_str());
}

Status FileWriter::flush() {
  VICINAL_TRY(file_.writeAt(flushed_, buffer_.get(), used_));
  flushed_ += used_;
  used_ = 0;
  return Status::ok();
}

Status FileWriter::append(const void* data, size_t bytes) {
  if (bytes > bufferBytes - used_) {
    VICINAL_TRY(flush());
    if (bytes >= bufferBytes) {
      VICINAL_TRY(file_.writeAt(flushed_, data, bytes));
      flushed_ += bytes;
      return Status::ok();
    }
  }
  if (bytes > 0) std::memcpy(buffer_.get() + used_, data, bytes);
  used_ += bytes;
  return Status::ok();
}

Status FileWriter::align(size_t alignment) {
  static const std::byte zeros[4096] = {};
  while (position() % alignment != 0) {
    const size_t missing = alignment - position() % alignment;
    VICINAL_TRY(append(zeros, missing < sizeof zeros ? missing : sizeof zeros));
  }
  return Status::ok();
}

Status FileWriter::overwrite(uint64_t offset, const void* data, size_t bytes) {
  if (offset + bytes > position())
    return {Code::Internal,
            "overwriting bytes of " + fileName(file_.path()) + " that are not written yet"};
  VICINAL_TRY(flush());
  return file_.writeAt(offset, data, bytes);
}

Status FileWriter::finish() {
  VICINAL_TRY(flush());
  VICINAL_TRY(file_.sync());
  VICINAL_TRY(file_.close());
  finished_ = true;
  return Status::ok();
}

Result<FileLock> FileLock::acquire(const std::string& path) {
  auto file = File::open(path, O_RDWR | O_CREAT);
  if (!file) return file.status();
  if (withoutInterruption([&] { return ::flock(file->descriptor(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK)
      return Status(Code::Locked, fileName(path) + " is locked by another holder");
    return Status::fromErrno(errno, "locking " + fileName(path));
  }
  return FileLock(file.take());
}

void FileLock::release() { file_ = File(); }

} // namespace vicinal
