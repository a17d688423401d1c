// The payloads of a segment's rows. The base is append-only: one byte region and an offset for each
// row. A later change goes into the overlay, with the operation's sequence number and the tick from
// which readers may see it; the row itself stays.
//
// Threads: one writer appends and overlays; readers read published rows. One lock guards the
// overlays of all segments of a shard. A batch holds it while it changes all its rows, so a reader
// that holds it over several rows sees whole batches. A bitmap of overlaid rows spares most readers
// the lock.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/region.hpp"
#include "segment/memory_table.hpp"

namespace vicinal {

struct PayloadOverlay {
  uint64_t seq = 0;
  uint64_t tick = 0;
  std::string text;
};

// Entries are replaced, never changed, so a reader can keep using the one it holds.
using OverlayMap = std::unordered_map<uint32_t, std::shared_ptr<const PayloadOverlay>>;

class PayloadStore {
public:
  Status reserve(uint64_t rows, uint64_t bytes);
  // Makes room for `rows` rows with `bytes` bytes of text in total.
  Status grow(uint64_t rows, uint64_t bytes);
  // Maps offsets and texts of the first `rows` rows from a file.
  Status map(int descriptor, uint64_t rows, uint64_t offsetsAt, uint64_t bytesAt, uint64_t bytes);
  // Maps the first `rows` rows from a file that holds them as they were appended.
  Status leaveTo(int descriptor, uint64_t rows, uint64_t offsetsAt, uint64_t bytesAt);
  // Drops resident pages that files back.
  void shed();
  // `row` must be the one behind the last appended row.
  void append(uint32_t row, std::string_view text) {
    const uint64_t from = offsets_[row];
    if (!text.empty()) __builtin_memcpy(bytes_.data() + from, text.data(), text.size());
    offsets_[uint64_t(row) + 1] = from + text.size();
  }

  std::string_view base(uint32_t row) const {
    const uint64_t from = offsets_[row];
    const uint64_t to = offsets_[uint64_t(row) + 1];
    return {bytes_.data() + from, to - from};
  }
  uint64_t bytesOf(uint32_t rows) const { return rows == 0 ? 0 : offsets_[rows]; }

  bool isOverlaid(uint32_t row) const {
    if (overlaidRows_.load(std::memory_order_relaxed) == 0) return false;
    auto& word = const_cast<uint64_t&>(overlaid_[row / 64]);
    return (std::atomic_ref<uint64_t>(word).load(std::memory_order_acquire) >> (row % 64) & 1) != 0;
  }
  uint32_t overlaidRows() const { return overlaidRows_.load(std::memory_order_relaxed); }
  // How often an overlay was set.
  uint64_t overlayChanges() const { return overlayChanges_.load(std::memory_order_relaxed); }
  uint64_t overlaidBytes() const { return overlaidBytes_.load(std::memory_order_relaxed); }
  void tally(const MemoryTally& tally, MemoryTable& table) const;

  // The row's change, or null. Call with the overlays' mutex held, shared.
  const PayloadOverlay* overlay(uint32_t row) const {
    if (!isOverlaid(row)) return nullptr;
    const auto found = overlays_.find(row);
    return found == overlays_.end() ? nullptr : found->second.get();
  }
  const OverlayMap& overlays() const { return overlays_; }
  // Call both with the mutex held exclusively. `expectOverlay` allocates the entry, so that the
  // change itself needs no memory. If the change does not come, `forgetExpected` removes the entry.
  void expectOverlay(uint32_t row) { overlays_.try_emplace(row); }
  void forgetExpected(uint32_t row) {
    if (const auto entry = overlays_.find(row); entry != overlays_.end() && !entry->second)
      overlays_.erase(entry);
  }
  void swapOverlay(uint32_t row, std::shared_ptr<const PayloadOverlay>& overlay);
  // Calls `visit(row)` for every overlaid row among the first `rows`. Needs no mutex.
  template <typename Visit> void forEachOverlaid(uint32_t rows, const Visit& visit) const {
    if (overlaidRows() == 0) return;
    for (uint32_t from = 0; from < rows; from += 64) {
      auto& bits = const_cast<uint64_t&>(overlaid_[from / 64]);
      uint64_t word = std::atomic_ref<uint64_t>(bits).load(std::memory_order_acquire);
      for (; word != 0; word &= word - 1) {
        const uint32_t row = from + static_cast<uint32_t>(__builtin_ctzll(word));
        if (row < rows) visit(row);
      }
    }
  }

  RegionArray<char>& bytes() { return bytes_; }
  RegionArray<uint64_t>& offsets() { return offsets_; }
  const RegionArray<char>& bytes() const { return bytes_; }
  const RegionArray<uint64_t>& offsets() const { return offsets_; }

private:
  RegionArray<char> bytes_;
  RegionArray<uint64_t> offsets_;
  RegionArray<uint64_t> overlaid_;
  OverlayMap overlays_;
  uint64_t filedRows_ = 0;
  std::atomic<uint32_t> overlaidRows_{0};
  std::atomic<uint64_t> overlaidBytes_{0};
  std::atomic<uint64_t> overlayChanges_{0};
};

} // namespace vicinal
