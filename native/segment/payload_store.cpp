#include "segment/payload_store.hpp"

#include <utility>

namespace vicinal {

Status PayloadStore::reserve(uint64_t rows, uint64_t bytes) {
  auto text = RegionArray<char>::reserve(bytes);
  if (!text) return text.status();
  auto offsets = RegionArray<uint64_t>::reserve(rows + 1);
  if (!offsets) return offsets.status();
  auto overlaid = RegionArray<uint64_t>::reserve(rows / 64 + 1);
  if (!overlaid) return overlaid.status();
  bytes_ = text.take();
  offsets_ = offsets.take();
  overlaid_ = overlaid.take();
  return Status::ok();
}

Status PayloadStore::map(int descriptor, uint64_t rows, uint64_t offsetsAt, uint64_t bytesAt,
                         uint64_t bytes) {
  VICINAL_TRY(offsets_.mapFile(descriptor, offsetsAt, rows + 1));
  bool ascend = offsets_[0] == 0 && offsets_[rows] == bytes;
  for (uint64_t row = 0; row < rows; row++) ascend &= offsets_[row] <= offsets_[row + 1];
  if (!ascend) return Status(Code::Corrupt, "the payloads and their offsets do not agree");
  return bytes == 0 ? Status::ok() : bytes_.mapFile(descriptor, bytesAt, bytes);
}

Status PayloadStore::grow(uint64_t rows, uint64_t bytes) {
  VICINAL_TRY(bytes_.grow(bytes));
  VICINAL_TRY(offsets_.grow(rows + 1));
  return overlaid_.grow(rows / 64 + 1);
}

void PayloadStore::swapOverlay(uint32_t row, std::shared_ptr<const PayloadOverlay>& overlay) {
  auto& entry = overlays_[row];
  const size_t before = entry ? entry->text.size() : 0;
  overlaidBytes_.fetch_add(overlay->text.size() - before, std::memory_order_relaxed);
  entry.swap(overlay);
  std::atomic_ref<uint64_t>(overlaid_[row / 64])
      .fetch_or(uint64_t(1) << (row % 64), std::memory_order_release);
  overlayChanges_.fetch_add(1, std::memory_order_relaxed);
  overlaidRows_.store(static_cast<uint32_t>(overlays_.size()), std::memory_order_relaxed);
}

} // namespace vicinal
