// Memory that grows without moving. A Region reserves address space for its greatest size and makes
// pages usable as it grows. Pointers into it stay valid for its whole life, so concurrent readers
// need no lock.
//
// The first part of a region may come from a file: a segment file's sections are mapped privately,
// and the region grows behind them. The operating system copies pages that change; the file never
// changes. Sections that are read at random (huge pages) are copied into memory while memory is
// plentiful. With 340,000 vectors of 100 floats and their graph, random reads then took a seventh
// less processor time than from a mapping's 4 KiB pages.
//
// Invariants
// - No page is resident before it is touched or copied: reserved pages have no access rights and no
//   backing.
// - Bytes that were never written read as zero, also behind the file's part.
// - A page of a file that was never written equals the file byte for byte, so it may be dropped.
// - One thread grows the region. Readers use only the part that a published count covers; the
//   writer publishes the count after growing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/status.hpp"

namespace vicinal {

// The placement of a region's bytes once a file backs them.
enum class Placement : uint8_t {
  // Mapped and read ahead, or copied if a copy is faster and memory is plentiful.
  Cached,
  // Mapped; a page is read when it is touched.
  Cold,
  // In memory, and locked there.
  Pinned
};

class Region {
public:
  // The size of pages. Huge pages (two megabytes on x86-64) are used once the region is so large
  // that their rounding hardly adds resident memory. HugeAsGrown uses them for memory that grows
  // without a file. Huge uses them for a file's part as well, which is then copied.
  enum class Pages : uint8_t { Normal, HugeAsGrown, Huge };

  Region() = default;
  ~Region();
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Reserves address space for `capacity` bytes, rounded up to whole pages. OVERLOADED if the
  // system refuses.
  static Result<Region> reserve(size_t capacity, Pages pages = Pages::Normal);

  // Sets the placement of later mappings and growth. The owner calls it before it maps a file.
  void place(Placement placement) { placement_ = placement; }
  Placement placement() const { return placement_; }
  // Bytes that should be locked but are not (RLIMIT_MEMLOCK).
  uint64_t unlocked() const { return isUnlocked_ ? size() : 0; }

  // Maps `bytes` bytes of the file at `offset` (a multiple of the page size) to the region's start,
  // privately and writable. It may copy them instead (see above). The region must not have grown
  // yet. The descriptor may be closed afterwards. The rest of the last mapped page is zeroed.
  Status mapFile(int descriptor, uint64_t offset, size_t bytes);

  // Replaces the whole pages within the first `bytes` bytes by a private mapping of a file that
  // holds the same bytes. The system can then reclaim them. Readers may go on meanwhile.
  Status replaceByFile(int descriptor, uint64_t offset, size_t bytes);

  // Drops the resident pages of the file from this process; the system may keep them as cache. The
  // caller makes sure that no thread writes to the file's part meanwhile. Pinned regions keep their
  // pages.
  void shed();
  // Like `shed`, for a range that is never written.
  void shedRange(size_t from, size_t bytes) const;

  // Makes everything up to the capacity readable. Parts that have not grown read as zeros and take
  // no memory.
  Status letRead();

  // Makes the first `bytes` bytes usable; never shrinks. TOO_LARGE beyond the capacity, OVERLOADED
  // if the system refuses memory; both leave the region unchanged.
  Status grow(size_t bytes);

  std::byte* data() { return base_; }
  const std::byte* data() const { return base_; }
  size_t capacity() const { return capacity_; }
  // Bytes asked for so far by `grow` or `mapFile`. Any thread may call this and `usable`.
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  // Bytes of whole pages with access rights; only these can be resident.
  size_t usable() const { return usable_.load(std::memory_order_relaxed); }

private:
  void release();
  Status copyFile(int descriptor, uint64_t offset, size_t bytes);
  void adviseHuge(size_t from, size_t to);
  void lock(size_t from, size_t to);

  std::byte* base_ = nullptr;
  size_t capacity_ = 0;
  std::atomic<size_t> usable_ = 0;
  std::atomic<size_t> size_ = 0;
  // Whole pages at the start that are mapped from a file.
  std::atomic<size_t> filed_ = 0;
  std::atomic<bool> isUnlocked_ = false;
  Pages pages_ = Pages::Normal;
  Placement placement_ = Placement::Cached;
};

// The system's page size.
size_t pageBytes();

// Sets the process's memory limit; 0 means none. Below a limit, files are copied into memory only
// while plenty is free, and the allocator keeps less freed memory.
void limitMemory(uint64_t bytes);
// Whether a memory limit is set.
bool isMemoryLimited();

// An array of trivial values in a Region. Growing keeps all pointers valid; new values are zero.
template <typename T> class RegionArray {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  RegionArray() = default;

  static Result<RegionArray> reserve(uint64_t capacity,
                                     Region::Pages pages = Region::Pages::Normal) {
    if (capacity > SIZE_MAX / sizeof(T) / 2)
      return Status(Code::TooLarge, "an array of " + std::to_string(capacity) + " values");
    auto region = Region::reserve(capacity * sizeof(T), pages);
    if (!region) return region.status();
    RegionArray array;
    array.region_ = region.take();
    return array;
  }

  // Takes the first `count` values from the file; see Region::mapFile.
  Status mapFile(int descriptor, uint64_t offset, uint64_t count) {
    return region_.mapFile(descriptor, offset, count * sizeof(T));
  }

  // See Region::replaceByFile.
  Status replaceByFile(int descriptor, uint64_t offset, uint64_t count) {
    return region_.replaceByFile(descriptor, offset, count * sizeof(T));
  }

  // Makes at least `count` values usable.
  Status grow(uint64_t count) { return region_.grow(count * sizeof(T)); }

  // Appends one value behind the last usable one. Only one thread may append.
  Status push(const T& value) {
    const uint64_t at = size();
    VICINAL_TRY(grow(at + 1));
    data()[at] = value;
    return Status::ok();
  }
  Status append(const T* values, uint64_t count) {
    const uint64_t at = size();
    VICINAL_TRY(grow(at + count));
    if (count > 0) __builtin_memcpy(data() + at, values, count * sizeof(T));
    return Status::ok();
  }

  T* data() { return reinterpret_cast<T*>(region_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(region_.data()); }
  T& operator[](uint64_t at) { return data()[at]; }
  const T& operator[](uint64_t at) const { return data()[at]; }
  uint64_t size() const { return region_.size() / sizeof(T); }
  uint64_t capacity() const { return region_.capacity() / sizeof(T); }
  uint64_t bytes() const { return size() * sizeof(T); }
  const Region& region() const { return region_; }
  void place(Placement placement) { region_.place(placement); }
  Status letRead() { return region_.letRead(); }
  void shed() { region_.shed(); }
  void shedRange(uint64_t first, uint64_t count) const {
    region_.shedRange(first * sizeof(T), count * sizeof(T));
  }

private:
  Region region_;
};

} // namespace vicinal
