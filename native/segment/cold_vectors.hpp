// Vectors that stay in their segment file and are read at each use: only codes and graph take
// memory. What is read often is in the system's cache of files, which gives way where memory is
// short.
//
// Reading, rather than touching a mapping, makes a failing disk an error instead of a signal, and
// lets a caller that must not wait find out that it would.
#pragma once

#include <memory>

#include "base/file.hpp"

namespace vicinal {

class ColdVectors {
public:
  // `vertices` vectors of `vectorBytes` at `offset`. The file may be unlinked afterwards.
  static Result<std::shared_ptr<const ColdVectors>> open(const std::string& path, uint64_t offset,
                                                         uint32_t vertices, uint32_t vectorBytes);

  uint32_t vertices() const { return vertices_; }
  uint64_t offset() const { return offset_; }
  int descriptor() const { return file_.descriptor(); }

  // Reads one vector as it is kept. CANCELLED where it may not wait and the disk would have to be
  // asked.
  Status read(uint32_t vertex, void* into, bool mayWait) const;
  // Of `count` in a row, at once.
  Status readAll(uint32_t first, uint32_t count, void* into) const;

private:
  ColdVectors(File file, uint64_t offset, uint32_t vertices, uint32_t vectorBytes)
      : file_(std::move(file)), offset_(offset), vertices_(vertices), vectorBytes_(vectorBytes) {}

  File file_;
  uint64_t offset_;
  uint32_t vertices_;
  uint32_t vectorBytes_;
};

} // namespace vicinal
