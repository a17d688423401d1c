// Cold vectors: they stay in their segment file and are read at each use, so only codes and graph
// take memory. The system's file cache keeps frequently read vectors and gives way when memory is
// short.
//
// Reading, instead of touching a mapping, turns a failing disk into an error rather than a signal.
// It also lets a caller that must not block find out that it would.
#pragma once

#include <memory>

#include "base/file.hpp"

namespace vicinal {

class ColdVectors {
public:
  // Opens `vertices` vectors of `vectorBytes` each at `offset`. The file may be unlinked
  // afterwards.
  static Result<std::shared_ptr<const ColdVectors>> open(const std::string& path, uint64_t offset,
                                                         uint32_t vertices, uint32_t vectorBytes);

  uint32_t vertices() const { return vertices_; }
  uint64_t offset() const { return offset_; }
  int descriptor() const { return file_.descriptor(); }

  // Reads one vector in its stored type. CANCELLED if `mayWait` is false and the bytes are not
  // cached.
  Status read(uint32_t vertex, void* into, bool mayWait) const;
  // Reads `count` consecutive vectors at once.
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
