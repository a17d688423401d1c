#include "base/memory_tally.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
#define VICINAL_HAS_MALLINFO2 1
#endif
#endif

namespace vicinal {

namespace {

// Bits of an entry of /proc/self/pagemap.
constexpr uint64_t kPresent = uint64_t(1) << 63;
constexpr uint64_t kOfFile = uint64_t(1) << 61;
// The page is mapped only by this process. Memory that was read but never written maps the system's
// shared zero page, which counts as nobody's.
constexpr uint64_t kOurs = uint64_t(1) << 56;
constexpr size_t kEntries = 4096;

#ifndef __linux__
void countResident(MemoryPart& part, const std::byte* from, size_t pages) {
  char states[kEntries];
  for (size_t at = 0; at < pages; at += kEntries) {
    const size_t count = std::min(kEntries, pages - at);
    auto* start = const_cast<std::byte*>(from) + at * pageBytes();
    if (::mincore(start, count * pageBytes(), states) != 0) return;
    for (size_t page = 0; page < count; page++)
      part.resident += (states[page] & 1) != 0 ? pageBytes() : 0;
  }
}
#endif

} // namespace

void MemoryPart::add(const MemoryPart& other) {
  bytes += other.bytes;
  resident += other.resident;
  cache += other.cache;
  heap += other.heap;
  unlocked += other.unlocked;
}

MemoryTally::MemoryTally() {
#ifdef __linux__
  pageMap_ = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
#endif
}

MemoryTally::~MemoryTally() {
  if (pageMap_ >= 0) ::close(pageMap_);
}

void MemoryTally::add(MemoryPart& part, const Region& region) const {
  part.bytes += region.size();
  part.unlocked += region.unlocked();
  const size_t pages = region.usable() / pageBytes();
#ifdef __linux__
  // Without the page table, the size asked for is the best guess.
  if (pageMap_ < 0) part.resident += region.size();
  thread_local uint64_t entries[kEntries];
  const auto first = reinterpret_cast<uintptr_t>(region.data()) / pageBytes();
  for (size_t at = 0; at < pages && pageMap_ >= 0;) {
    const size_t count = std::min(kEntries, pages - at);
    const ssize_t got = ::pread(pageMap_, entries, count * sizeof(uint64_t),
                                off_t((first + at) * sizeof(uint64_t)));
    if (got < ssize_t(sizeof(uint64_t))) return;
    const size_t seen = size_t(got) / sizeof(uint64_t);
    for (size_t page = 0; page < seen; page++) {
      const uint64_t entry = entries[page];
      if ((entry & kPresent) == 0 || (entry & (kOfFile | kOurs)) == 0) continue;
      part.resident += pageBytes();
      part.cache += (entry & kOfFile) != 0 ? pageBytes() : 0;
    }
    at += seen;
  }
#else
  countResident(part, region.data(), pages);
#endif
}

void MemoryTally::addHeap(MemoryPart& part, uint64_t bytes) {
  part.bytes += bytes;
  part.resident += bytes;
  part.heap += bytes;
}

void trimHeap() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

ProcessMemory processMemory() {
  ProcessMemory memory;
#ifdef __linux__
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long long total = 0;
    unsigned long long resident = 0;
    unsigned long long shared = 0;
    if (std::fscanf(file, "%llu %llu %llu", &total, &resident, &shared) == 3) {
      memory.resident = resident * pageBytes();
      memory.file = shared * pageBytes();
    }
    std::fclose(file);
  }
#endif
#ifdef VICINAL_HAS_MALLINFO2
  const struct mallinfo2 heap = ::mallinfo2();
  memory.heapUsed = heap.uordblks + heap.hblkhd;
  memory.heapFree = heap.fordblks;
#endif
  return memory;
}

} // namespace vicinal
