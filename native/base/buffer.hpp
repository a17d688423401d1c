#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

namespace vicinal {

// A growable array of plain values. It reports a failed allocation instead of ending the process,
// and it can give its memory away (to an ArrayBuffer). New elements are not initialised.
template <typename T> class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t at) { return data_[at]; }
  const T& operator[](size_t at) const { return data_[at]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

  [[nodiscard]] bool reserve(size_t capacity) {
    if (capacity <= capacity_) return true;
    if (capacity > SIZE_MAX / 2 / sizeof(T)) return false;
    void* grown = std::realloc(static_cast<void*>(data_), capacity * sizeof(T));
    if (grown == nullptr) return false;
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
    return true;
  }
  [[nodiscard]] bool resize(size_t size) {
    if (size > capacity_ && !reserve(size < capacity_ * 2 ? capacity_ * 2 : size)) return false;
    size_ = size;
    return true;
  }
  [[nodiscard]] bool resizeZeroed(size_t size) {
    if (!resize(size)) return false;
    if (size > 0) std::memset(static_cast<void*>(data_), 0, size * sizeof(T));
    return true;
  }
  [[nodiscard]] bool push(const T& value) {
    if (!resize(size_ + 1)) return false;
    data_[size_ - 1] = value;
    return true;
  }
  [[nodiscard]] bool append(const T* values, size_t count) {
    if (!resize(size_ + count)) return false;
    if (count > 0)
      std::memcpy(static_cast<void*>(data_ + size_ - count), values, count * sizeof(T));
    return true;
  }
  [[nodiscard]] bool appendZeros(size_t count) {
    if (!resize(size_ + count)) return false;
    if (count > 0) std::memset(static_cast<void*>(data_ + size_ - count), 0, count * sizeof(T));
    return true;
  }
  void clear() { size_ = 0; }
  void truncate(size_t size) { size_ = size; }

  // Gives the memory to the caller, to be freed with std::free.
  T* release() {
    T* data = std::exchange(data_, nullptr);
    size_ = capacity_ = 0;
    return data;
  }

private:
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

} // namespace vicinal
