#include "segment/cold_vectors.hpp"

namespace vicinal {

Result<std::shared_ptr<const ColdVectors>>
ColdVectors::open(const std::string& path, uint64_t offset, uint32_t vertices, uint32_t dim) {
  auto file = File::openRead(path);
  if (!file) return file.status();
  return std::shared_ptr<const ColdVectors>(new ColdVectors(file.take(), offset, vertices, dim));
}

Status ColdVectors::read(uint32_t vertex, float* into, bool mayWait) const {
  const size_t bytes = size_t(dim_) * sizeof(float);
  const uint64_t at = offset_ + uint64_t(vertex) * bytes;
  return mayWait ? file_.readAt(at, into, bytes) : file_.readCachedAt(at, into, bytes);
}

} // namespace vicinal
