#include "base/region.hpp"

#include "base/container.hpp"
#include "base/memory_tally.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace vicinal {

namespace {

constexpr size_t hugePageBytes = size_t(2) << 20;
// From this size on, rounding up to huge pages adds at most an eighth to the resident memory.
constexpr size_t hugeFromBytes = 8 * hugePageBytes;
// Access rights are granted in steps, because each step is a system call.
constexpr size_t smallestStepBytes = size_t(64) << 10;
constexpr size_t largestStepBytes = size_t(64) << 20;

// A copy may take this share of free memory (a quarter). A larger file is mapped instead, since the
// system can reclaim a mapping.
constexpr size_t copiedShare = 4;

size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::atomic<uint64_t> memoryLimit{0};

// Bytes that this process can allocate without swapping, by the system's and the container's
// figures; 0 where neither reports any.
uint64_t availableMemory() {
  const uint64_t system = numberIn("/proc/meminfo", "MemAvailable:", 0) * 1024;
  const uint64_t free = std::min(system, Container::now().memoryLeft());
  const uint64_t own = memoryLimit;
  if (own == 0) return free;
  const uint64_t resident = processMemory().resident;
  return std::min(free, own > resident ? own - resident : 0);
}

#ifdef __linux__
// Bits of an entry of /proc/self/pagemap: the page is present and belongs to a file.
constexpr uint64_t presentOfFile = uint64_t(1) << 63 | uint64_t(1) << 61;

template <typename Visit>
void forEachFiledRun(int pageMap, std::byte* base, size_t bytes, const Visit& visit) {
  constexpr size_t most = 4096;
  thread_local uint64_t entries[most];
  const size_t pages = bytes / pageBytes();
  for (size_t at = 0; at < pages;) {
    const auto first = reinterpret_cast<uintptr_t>(base) / pageBytes() + at;
    const ssize_t got =
        ::pread(pageMap, entries, std::min(most, pages - at) * sizeof(uint64_t), off_t(first * 8));
    if (got < ssize_t(sizeof(uint64_t))) return;
    const size_t count = size_t(got) / sizeof(uint64_t);
    const auto isFiled = [&](size_t page) {
      return (entries[page] & presentOfFile) == presentOfFile;
    };
    for (size_t from = 0; from < count;) {
      size_t to = from;
      while (to < count && isFiled(to)) to++;
      if (to > from) visit(base + (at + from) * pageBytes(), (to - from) * pageBytes());
      from = to + 1;
    }
    at += count;
  }
}
#endif

} // namespace

bool isMemoryLimited() { return memoryLimit != 0; }

void limitMemory(uint64_t bytes) {
  memoryLimit = bytes;
#ifdef M_ARENA_MAX
  // Each arena keeps its freed memory, and each of Lance's threads would have its own arena.
  constexpr int kArenas = 2;
  if (bytes > 0) ::mallopt(M_ARENA_MAX, kArenas);
#endif
}

size_t pageBytes() {
  static const size_t bytes = size_t(::sysconf(_SC_PAGESIZE));
  return bytes;
}

Region::~Region() { release(); }

Region::Region(Region&& other) noexcept { *this = std::move(other); }

Region& Region::operator=(Region&& other) noexcept {
  if (this == &other) return *this;
  release();
  base_ = std::exchange(other.base_, nullptr);
  capacity_ = std::exchange(other.capacity_, 0);
  usable_ = other.usable_.exchange(0);
  size_ = other.size_.exchange(0);
  filed_ = other.filed_.exchange(0);
  isUnlocked_ = other.isUnlocked_.load();
  pages_ = other.pages_;
  placement_ = other.placement_;
  return *this;
}

void Region::release() {
  if (base_ != nullptr) ::munmap(base_, capacity_);
  base_ = nullptr;
}

Result<Region> Region::reserve(size_t capacity, Pages pages) {
  if (capacity > SIZE_MAX / 2)
    return Status(Code::TooLarge, "a region of " + std::to_string(capacity) + " bytes");
  Region region;
  region.pages_ = pages;
  region.capacity_ = roundUp(capacity > 0 ? capacity : 1, pageBytes());
  void* base = ::mmap(nullptr, region.capacity_, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    const int error = errno;
    region.capacity_ = 0;
    return Status::fromErrno(error,
                             "reserving " + std::to_string(capacity) + " bytes of address space");
  }
  region.base_ = static_cast<std::byte*>(base);
  return region;
}

Status Region::mapFile(int descriptor, uint64_t offset, size_t bytes) {
  if (size_ != 0) return {Code::Internal, "a file is mapped over a region in use"};
  if (bytes > capacity_)
    return {Code::TooLarge, "mapping " + std::to_string(bytes) + " bytes into a region of " +
                                std::to_string(capacity_)};
  if (bytes == 0) return Status::ok();
  // Touching a page behind the end of the file would kill the process (SIGBUS).
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return Status::fromErrno(errno, "size of a file to map");
  if (offset > uint64_t(facts.st_size) || bytes > uint64_t(facts.st_size) - offset)
    return {Code::Corrupt, "a file of " + std::to_string(facts.st_size) + " bytes, where " +
                               std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                               " should be"};
  const bool isFaster = placement_ == Placement::Cached && pages_ == Pages::Huge &&
                        bytes >= hugeFromBytes && bytes <= availableMemory() / copiedShare;
  if (isFaster || placement_ == Placement::Pinned) return copyFile(descriptor, offset, bytes);
  void* mapped = ::mmap(base_, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, descriptor, off_t(offset));
  if (mapped == MAP_FAILED) return Status::fromErrno(errno, "mapping a file");
  usable_ = roundUp(bytes, pageBytes());
  size_ = bytes;
  filed_ = bytes / pageBytes() * pageBytes();
  ::madvise(base_, usable_, placement_ == Placement::Cold ? MADV_RANDOM : MADV_WILLNEED);
  if (usable_ > bytes) std::memset(base_ + bytes, 0, usable_ - bytes);
  return Status::ok();
}

Status Region::replaceByFile(int descriptor, uint64_t offset, size_t bytes) {
  const size_t whole = bytes / pageBytes() * pageBytes();
  if (whole == 0 || whole > usable_) return Status::ok();
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return Status::fromErrno(errno, "size of a file to map");
  if (offset > uint64_t(facts.st_size) || bytes > uint64_t(facts.st_size) - offset)
    return {Code::Corrupt, "a file is shorter than the memory that it should back"};
  void* mapped = ::mmap(base_, whole, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, descriptor, off_t(offset));
  if (mapped == MAP_FAILED) return Status::fromErrno(errno, "mapping a file over memory");
  filed_ = std::max(whole, size_t(filed_));
  ::madvise(base_, whole, MADV_RANDOM);
  return Status::ok();
}

// Written pages are private copies; dropping them would lose data. The page table tells which pages
// are still the file's.
void Region::shed() {
#ifdef __linux__
  if (filed_ == 0 || placement_ == Placement::Pinned) return;
  const int pageMap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pageMap < 0) return;
  forEachFiledRun(pageMap, base_, filed_,
                  [](std::byte* from, size_t bytes) { ::madvise(from, bytes, MADV_DONTNEED); });
  ::close(pageMap);
#endif
}

void Region::shedRange(size_t from, size_t bytes) const {
  if (placement_ == Placement::Pinned) return;
  const size_t first = from / pageBytes() * pageBytes();
  const size_t end = std::min<size_t>(filed_, (from + bytes) / pageBytes() * pageBytes());
  if (first < end) ::madvise(base_ + first, end - first, MADV_DONTNEED);
}

Status Region::copyFile(int descriptor, uint64_t offset, size_t bytes) {
  VICINAL_TRY(grow(bytes));
  for (size_t done = 0; done < bytes;) {
    const ssize_t count = ::pread(descriptor, base_ + done, bytes - done, off_t(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::fromErrno(errno, "reading a file into memory");
    if (count == 0) return {Code::Corrupt, "a file ended while it was read into memory"};
    done += size_t(count);
  }
  return Status::ok();
}

Status Region::letRead() {
  const size_t usable = usable_;
  if (usable < capacity_ && ::mprotect(base_ + usable, capacity_ - usable, PROT_READ) != 0)
    return Status::fromErrno(errno, "opening a region for reading");
  return Status::ok();
}

Status Region::grow(size_t bytes) {
  const size_t usable = usable_;
  if (bytes <= usable) {
    if (bytes > size_) size_ = bytes;
    return Status::ok();
  }
  if (bytes > capacity_)
    return {Code::TooLarge, "growing a region of " + std::to_string(capacity_) + " bytes to " +
                                std::to_string(bytes)};
  size_t step = usable / 4;
  step = step < smallestStepBytes  ? smallestStepBytes
         : step > largestStepBytes ? largestStepBytes
                                   : step;
  const size_t least = roundUp(bytes, pageBytes());
  size_t target = usable + step > least ? usable + step : least;
  if (pages_ != Pages::Normal && target >= hugeFromBytes) target = roundUp(target, hugePageBytes);
  target = target > capacity_ ? capacity_ : roundUp(target, pageBytes());
  if (::mprotect(base_ + usable, target - usable, PROT_READ | PROT_WRITE) != 0)
    return Status::fromErrno(errno, "growing a region to " + std::to_string(bytes) + " bytes");
  if (pages_ != Pages::Normal) adviseHuge(usable, target);
  if (placement_ == Placement::Pinned) lock(usable, target);
  usable_ = target;
  size_ = bytes;
  return Status::ok();
}

// Pages are locked when first touched, so unused capacity takes no memory.
void Region::lock(size_t from, size_t to) {
#ifdef MLOCK_ONFAULT
  if (::mlock2(base_ + from, to - from, MLOCK_ONFAULT) != 0) isUnlocked_ = true;
#else
  if (::mlock(base_ + from, to - from) != 0) isUnlocked_ = true;
#endif
}

// This is only advice: without huge pages the region works all the same.
void Region::adviseHuge([[maybe_unused]] size_t from, [[maybe_unused]] size_t to) {
#ifdef MADV_HUGEPAGE
  if (to < hugeFromBytes) return;
  // Once the region is known to be large, its earlier, small part is advised too.
  const size_t start = from < hugeFromBytes ? 0 : from;
  ::madvise(base_ + start, to - start, MADV_HUGEPAGE);
#endif
}

} // namespace vicinal
