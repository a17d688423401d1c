#include "base/region.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace vicinal {

namespace {

constexpr size_t hugePageBytes = size_t(2) << 20;
// From here on the rounding to huge pages is at most an eighth of what is resident anyway.
constexpr size_t hugeFromBytes = 8 * hugePageBytes;
// Rights are given in steps, since each step is a system call.
constexpr size_t smallestStepBytes = size_t(64) << 10;
constexpr size_t largestStepBytes = size_t(64) << 20;

// A copy may take this part of the memory that is free; past it the file is mapped, which the
// system can take back.
constexpr size_t copiedShare = 4;

size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// The number behind `label` in a small text file; `otherwise` where there is none.
uint64_t numberIn(const char* path, const char* label, uint64_t otherwise) {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return otherwise;
  char text[4096];
  const ssize_t length = ::read(descriptor, text, sizeof text - 1);
  ::close(descriptor);
  if (length <= 0) return otherwise;
  text[length] = '\0';
  const char* found = std::strstr(text, label);
  if (found == nullptr) return otherwise;
  char* end = nullptr;
  const char* digits = found + std::strlen(label);
  const uint64_t number = std::strtoull(digits, &end, 10);
  return end == digits ? otherwise : number;
}

// Bytes this process may take without swapping, as far as the system and its container tell; 0
// where they do not.
uint64_t availableMemory() {
  const uint64_t system = numberIn("/proc/meminfo", "MemAvailable:", 0) * 1024;
  const uint64_t limit = numberIn("/sys/fs/cgroup/memory.max", "", UINT64_MAX);
  const uint64_t used = numberIn("/sys/fs/cgroup/memory.current", "", 0);
  return std::min(system, limit > used ? limit - used : 0);
}

} // namespace

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
  pages_ = other.pages_;
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
  // Touching a page behind the end of the file would kill the process.
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return Status::fromErrno(errno, "size of a file to map");
  if (offset > uint64_t(facts.st_size) || bytes > uint64_t(facts.st_size) - offset)
    return {Code::Corrupt, "a file of " + std::to_string(facts.st_size) + " bytes, where " +
                               std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                               " should be"};
  if (pages_ == Pages::Huge && bytes >= hugeFromBytes && bytes <= availableMemory() / copiedShare)
    return copyFile(descriptor, offset, bytes);
  void* mapped = ::mmap(base_, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, descriptor, off_t(offset));
  if (mapped == MAP_FAILED) return Status::fromErrno(errno, "mapping a file");
  usable_ = roundUp(bytes, pageBytes());
  size_ = bytes;
  if (usable_ > bytes) std::memset(base_ + bytes, 0, usable_ - bytes);
  return Status::ok();
}

Status Region::replaceByFile(int descriptor, uint64_t offset, size_t bytes) {
  const size_t whole = bytes / pageBytes() * pageBytes();
  if (whole == 0 || whole > usable_) return Status::ok();
  void* mapped = ::mmap(base_, whole, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, descriptor, off_t(offset));
  if (mapped == MAP_FAILED) return Status::fromErrno(errno, "mapping a file over memory");
  return Status::ok();
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
  if (pages_ == Pages::Huge && target >= hugeFromBytes) target = roundUp(target, hugePageBytes);
  target = target > capacity_ ? capacity_ : roundUp(target, pageBytes());
  if (::mprotect(base_ + usable, target - usable, PROT_READ | PROT_WRITE) != 0)
    return Status::fromErrno(errno, "growing a region to " + std::to_string(bytes) + " bytes");
  if (pages_ == Pages::Huge) adviseHuge(usable, target);
  usable_ = target;
  size_ = bytes;
  return Status::ok();
}

// Only advice: where the system has no huge pages, nothing is lost.
void Region::adviseHuge([[maybe_unused]] size_t from, [[maybe_unused]] size_t to) {
#ifdef MADV_HUGEPAGE
  if (to < hugeFromBytes) return;
  // What was small until now is advised once the region is known to be large.
  const size_t start = from < hugeFromBytes ? 0 : from;
  ::madvise(base_ + start, to - start, MADV_HUGEPAGE);
#endif
}

} // namespace vicinal
