// Files by descriptor. Every call goes through libc, retries EINTR and finishes short reads and
// writes; failures come back as a Status that names the file, not the folder: where on the machine
// the data lies is nobody's business who asks over the network. The kernel renames nothing: a file
// gets its final name when created, is complete once `FileWriter::finish` succeeded, and the
// manifest decides whether it counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace vicinal {

// "b.vseg" of "/a/b.vseg".
std::string fileName(const std::string& path);

class File {
public:
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  static Result<File> openRead(const std::string& path);
  // Creates the file with mode 0600; ALREADY_EXISTS where there is one.
  static Result<File> create(const std::string& path);

  Status writeAt(uint64_t offset, const void* data, size_t bytes);
  // Reads exactly `bytes` bytes; CORRUPT where the file ends before.
  Status readAt(uint64_t offset, void* into, size_t bytes) const;
  // The same where the system has the bytes in memory, else CANCELLED. Where it can't tell, it
  // reads.
  Status readCachedAt(uint64_t offset, void* into, size_t bytes) const;
  Status sync();
  // Closes and reports what close() says; the destructor closes silently.
  Status close();
  Result<uint64_t> size() const;

  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }

private:
  friend class FileLock;
  Status failed(const char* action) const;
  static Result<File> open(const std::string& path, int flags);
  File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_ = -1;
  std::string path_;
};

// Writes a new file front to back through a buffer.
class FileWriter {
public:
  static Result<FileWriter> create(const std::string& path);
  // Where `finish` was not called or failed, the file is removed.
  ~FileWriter();
  FileWriter(FileWriter&& other) noexcept = default;
  FileWriter& operator=(FileWriter&&) = delete;

  Status append(const void* data, size_t bytes);
  Status append(std::string_view text) { return append(text.data(), text.size()); }
  // Appends zero bytes until the position is a multiple of `alignment`.
  Status align(size_t alignment);
  // Overwrites bytes before the position (a header whose content is known last).
  Status overwrite(uint64_t offset, const void* data, size_t bytes);
  uint64_t position() const { return flushed_ + used_; }
  // Writes the rest out, fsyncs and closes. The folder's entry is the caller's business.
  Status finish();

private:
  explicit FileWriter(File file);
  Status flush();

  File file_;
  std::unique_ptr<std::byte[]> buffer_;
  size_t used_ = 0;
  uint64_t flushed_ = 0;
  bool finished_ = false;
};

// An advisory lock of the operating system (flock) on a file, created with mode 0600 where absent.
// Released by `release`, by the destructor, and by the system when the process ends, however it
// ends.
class FileLock {
public:
  // LOCKED when another holder has it, in this process or elsewhere.
  static Result<FileLock> acquire(const std::string& path);
  void release();

private:
  explicit FileLock(File file) : file_(std::move(file)) {}
  File file_;
};

} // namespace vicinal
