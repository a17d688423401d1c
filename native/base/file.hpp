// Files by descriptor. Every call goes through libc, retries EINTR and finishes short reads and
// writes. A failure is a Status that names the file without its folder, since network clients must
// not learn paths of the server. The kernel never renames files: a file is created under its final
// name and is complete once `FileWriter::finish` succeeds. The manifest decides whether the file
// counts.
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
  // Creates the file with mode 0600; ALREADY_EXISTS if it exists.
  static Result<File> create(const std::string& path);

  Status writeAt(uint64_t offset, const void* data, size_t bytes);
  // Reads exactly `bytes` bytes; CORRUPT if the file is too short.
  Status readAt(uint64_t offset, void* into, size_t bytes) const;
  // Like `readAt`, but CANCELLED if the bytes are not in the system's cache. Where the system
  // cannot tell, it reads them.
  Status readCachedAt(uint64_t offset, void* into, size_t bytes) const;
  Status sync();
  // Closes the file and reports close()'s error; the destructor ignores it.
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
  // Removes the file unless `finish` succeeded.
  ~FileWriter();
  FileWriter(FileWriter&& other) noexcept = default;
  FileWriter& operator=(FileWriter&&) = delete;

  Status append(const void* data, size_t bytes);
  Status append(std::string_view text) { return append(text.data(), text.size()); }
  // Appends zero bytes until the position is a multiple of `alignment`.
  Status align(size_t alignment);
  // Overwrites bytes before the position, for example a header that is known last.
  Status overwrite(uint64_t offset, const void* data, size_t bytes);
  uint64_t position() const { return flushed_ + used_; }
  // Writes the rest, fsyncs and closes the file. The caller fsyncs the folder.
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

// An advisory lock (flock) on a file, which is created with mode 0600 if absent. `release`, the
// destructor, or any end of the process releases it.
class FileLock {
public:
  // LOCKED if another holder has it, in this process or another.
  static Result<FileLock> acquire(const std::string& path);
  void release();

private:
  explicit FileLock(File file) : file_(std::move(file)) {}
  File file_;
};

} // namespace vicinal
