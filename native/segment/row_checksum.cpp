#include "segment/row_checksum.hpp"

#include "base/crc32c.hpp"

namespace vicinal {

namespace {

template <typename T> uint32_t addValue(uint32_t checksum, T value) {
  return crc32c(&value, sizeof value, checksum);
}

uint32_t addText(uint32_t checksum, std::string_view text) {
  checksum = addValue(checksum, static_cast<uint32_t>(text.size()));
  return crc32c(text.data(), text.size(), checksum);
}

} // namespace

uint32_t rowChecksum(const ChecksummedRow& row) {
  uint32_t checksum = addText(0, row.idText);
  checksum = addValue(checksum, row.seq);
  checksum = addValue(checksum, static_cast<uint8_t>(row.isDeleted ? 1 : 0));
  return addText(checksum, row.payload);
}

uint32_t addVectorChecksum(uint32_t checksum, uint32_t slot, const float* data, size_t dim) {
  return crc32c(data, dim * sizeof(float), addValue(checksum, slot));
}

uint32_t addSparseChecksum(uint32_t checksum, uint32_t slot, const SparseVector& sparse) {
  checksum = addValue(addValue(checksum, slot), sparse.count);
  checksum = crc32c(sparse.indices, sparse.count * sizeof(uint32_t), checksum);
  return crc32c(sparse.values, sparse.count * sizeof(float), checksum);
}

} // namespace vicinal
