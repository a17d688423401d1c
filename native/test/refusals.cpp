// Intercepts memory (`new`, `realloc`) and thread creation of the system and the C++ library, in
// the variants of scripts/test-native.mjs that define VICINAL_TEST_REFUSALS.
#include "test/refusals.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <new>
#include <pthread.h>

#include "test/harness.hpp"

namespace vicinal::test {

namespace {

// For each kind: every nth request is refused; 0: none.
std::atomic<uint64_t> everyNth[2];
std::atomic<uint64_t> asked[2];
std::atomic<uint64_t> refused{0};
std::atomic<bool> isOfOneThread{false};
std::atomic<int> threadsStarted{0};
thread_local bool isTheThread = false;

[[maybe_unused]] bool isRefused(Wanted wanted) {
  const auto kind = size_t(wanted);
  const uint64_t nth = everyNth[kind].load(std::memory_order_relaxed);
  if (nth == 0 || (isOfOneThread && !isTheThread)) return false;
  const uint64_t number = ++asked[kind];
  const bool is = isOfOneThread ? number == nth : number % nth == 0;
  if (is) refused++;
  return is;
}

[[maybe_unused]] void* newOrNull(size_t bytes) noexcept {
  return isRefused(Wanted::Memory) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}

} // namespace

Refusals::Refusals(Wanted wanted, uint64_t nth, bool isOne) {
  refused = 0;
  asked[size_t(wanted)] = 0;
  isOfOneThread = isOne;
  isTheThread = true;
  everyNth[size_t(wanted)] = nth;
}

Refusals::~Refusals() {
  for (auto& nth : everyNth) nth = 0;
  isTheThread = false;
}

uint64_t Refusals::count() const { return refused; }

int startedThreads() { return threadsStarted; }

} // namespace vicinal::test

#if defined(VICINAL_TEST_REFUSALS)

using vicinal::test::newOrNull;

void* operator new(size_t bytes) {
  if (void* const memory = newOrNull(bytes)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return newOrNull(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return newOrNull(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

// scripts/test-native.mjs makes the linker redirect `realloc` to this function.
extern "C" void* __real_realloc(void* memory, size_t bytes);
extern "C" void* __wrap_realloc(void* memory, size_t bytes) {
  return vicinal::test::isRefused(vicinal::test::Wanted::Memory) ? nullptr
                                                                 : __real_realloc(memory, bytes);
}

// Replaces the system's or the sanitizer's own function, which it calls.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) {
  using Create = decltype(&pthread_create);
  static const auto next = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (vicinal::test::isRefused(vicinal::test::Wanted::Threads)) return EAGAIN;
  vicinal::test::threadsStarted++;
  return next(thread, attributes, body, argument);
}

#endif
