// Memory that grows without moving. A Region reserves address space for the most it may ever hold
// and makes pages usable as it grows, so pointers into it stay valid for its whole life and
// concurrent readers need no lock.
//
// Its first part may come from a file: a segment file is opened by mapping its sections privately,
// and goes on growing behind them. Pages that change are copied by the operating system; the file
// never changes. What is read at random (huge pages) is copied into memory instead while that is
// plentiful: random reads of 340,000 vectors of 100 floats and their graph then take a seventh less
// processor time a search than from the 4 KiB pages of a mapping.
//
// Invariants
// - Nothing is resident before it is touched or copied: the reservation has no access rights and no
// backing.
// - Bytes that were never written read as zero, behind the file's part too.
// - Pages of a file that were not written to are the file's, byte for byte, so they may be shed.
// - One thread grows; readers may use what they were told of (by a count published after the
// growth).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/status.hpp"

namespace vicinal {

// Where a region's bytes are to be once there is a file for them.
enum class Placement : uint8_t {
  // Mapped and read ahead, or copied where that is faster and memory plentiful.
  Cached,
  // Mapped, and brought by the page as it is touched.
  Cold,
  // In memory, and locked there.
  Pinned
};

class Region {
public:
  // Normal pages, or huge pages (two megabytes on x86-64) once the region is so large that the
  // rounding does not show in what is resident: of what grows in memory alone, or of what comes
  // from a file as well, which is copied then.
  enum class Pages : uint8_t { Normal, HugeAsGrown, Huge };

  Region() = default;
  ~Region();
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Reserves address space for `capacity` bytes, rounded up to whole pages. OVERLOADED where there
  // is none.
  static Result<Region> reserve(size_t capacity, Pages pages = Pages::Normal);

  // For what is mapped or grown from now on; the owner's, before it maps a file.
  void place(Placement placement) { placement_ = placement; }
  Placement placement() const { return placement_; }
  // Bytes that were to be locked and that the system did not lock (RLIMIT_MEMLOCK).
  uint64_t unlocked() const { return isUnlocked_ ? size() : 0; }

  // Maps `bytes` bytes of the file at `offset` (a multiple of the page size) to the region's start,
  // privately and writable, or copies them there (see above). Only for a region that has not grown
  // yet. The descriptor may be closed afterwards. What lies behind `bytes` in the last mapped page
  // is zeroed, whatever the file holds there.
  Status mapFile(int descriptor, uint64_t offset, size_t bytes);

  // Replaces the whole pages among the first `bytes` bytes by a private mapping of a file that
  // holds the same bytes: memory becomes cache that the system can drop. Readers may go on
  // meanwhile.
  Status replaceByFile(int descriptor, uint64_t offset, size_t bytes);

  // Takes from this process what it has of the file's pages; the system may keep them as cache.
  // Only while nobody writes to the file's part. Pinned regions keep theirs.
  void shed();
  // The same of some bytes that nobody ever writes to.
  void shedRange(size_t from, size_t bytes) const;

  // Everything up to the capacity may be read, as zeros where nothing was grown; it takes no
  // memory.
  Status letRead();

  // Makes the first `bytes` bytes usable; never shrinks. TOO_LARGE past the capacity, OVERLOADED
  // when the system refuses memory; the region is unchanged then.
  Status grow(size_t bytes);

  std::byte* data() { return base_; }
  const std::byte* data() const { return base_; }
  size_t capacity() const { return capacity_; }
  // Bytes asked for so far (by `grow` or `mapFile`). Anyone's to ask, and so is the next.
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  // Whole pages with access rights; only these can be resident.
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
  // Whole pages from the start that are mapped from a file.
  std::atomic<size_t> filed_ = 0;
  std::atomic<bool> isUnlocked_ = false;
  Pages pages_ = Pages::Normal;
  Placement placement_ = Placement::Cached;
};

// Size of a page of this system.
size_t pageBytes();

// What the process is to keep to, 0 for none: files are copied into memory only where there is
// plenty of it below the limit, and the allocator keeps less for later.
void limitMemory(uint64_t bytes);
// Whether there is one.
bool isMemoryLimited();

// An array of trivial values in a Region. Growing keeps every pointer; new values are zero.
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

  // The first `count` values come from the file; see Region::mapFile.
  Status mapFile(int descriptor, uint64_t offset, uint64_t count) {
    return region_.mapFile(descriptor, offset, count * sizeof(T));
  }

  // See Region::replaceByFile.
  Status replaceByFile(int descriptor, uint64_t offset, uint64_t count) {
    return region_.replaceByFile(descriptor, offset, count * sizeof(T));
  }

  // At least `count` values are usable.
  Status grow(uint64_t count) { return region_.grow(count * sizeof(T)); }

  // Appends one value behind the last usable one. Not for concurrent writers.
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
