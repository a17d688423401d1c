#include "segment/cold_vectors.hpp"

namespace vicinal {

Result<std::shared_ptr<const ColdVectors>> ColdVectors::open(const std::string& path,
                                                             uint64_t offset, uint32_t vertices,
                                                             uint32_t vectorBytes) {
  auto file = File::openRead(path);
  if (!file) return file.status();
  return std::shared_ptr<const ColdVectors>(
      new ColdVectors(file.take(), offset, vertices, vectorBytes));
}

Status ColdVectors::read(uint32_t vertex, void* into, bool mayWait) const {
  const uint64_t at = offset_ + uint64_t(vertex) * vectorBytes_;
  return mayWait ? file_.readAt(at, into, vectorBytes_)
                 : file_.readCachedAt(at, into, vectorBytes_);
}

Status ColdVectors::readAll(uint32_t first, uint32_t count, void* into) const {
  return file_.readAt(offset_ + uint64_t(first) * vectorBytes_, into, size_t(count) * vectorBytes_);
}

} // namespace vicinal
