#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.hpp"

namespace vicinal::binding {

void throwError(napi_env env, const char* code, std::string_view message);
napi_value makeError(napi_env env, const char* code, std::string_view message);
// The same for a failure of the kernel, with its fields besides the message.
void throwError(napi_env env, const Status& status);
napi_value makeError(napi_env env, const Status& status);

// A typed array as the kernel sees it. `value` must be pinned while an operation reads `data`.
template <typename T> struct Span {
  T* data = nullptr;
  size_t length = 0;
  napi_value value = nullptr;
  bool present() const { return value != nullptr; }
};

// Reads values from JavaScript. The first wrong value throws INVALID_ARGUMENT that names the field;
// everything read after it is empty. So callers read all values and then check `failed()` once.
class Reader {
public:
  explicit Reader(napi_env env) : env_(env) {}

  napi_env env() const { return env_; }
  bool failed() const { return failed_; }
  void fail(const char* field, const char* expected);

  napi_value property(napi_value object, const char* name);
  bool isAbsent(napi_value value);

  double number(napi_value value, const char* field, double least, double most);
  // An integer in [least, most]; `most` is at most 2^53.
  uint64_t integer(napi_value value, const char* field, uint64_t least, uint64_t most);
  // Checks a number that was already read.
  double checkedNumber(double value, const char* field, double least, double most);
  uint64_t checkedInteger(double value, const char* field, uint64_t least, uint64_t most);
  bool boolean(napi_value value, const char* field);
  std::string text(napi_value value, const char* field, size_t maxBytes);
  uint32_t arrayLength(napi_value value, const char* field, uint32_t most);
  napi_value element(napi_value array, uint32_t index);

  template <typename T> Span<T> typed(napi_value value, const char* field) {
    Span<T> span;
    void* data = nullptr;
    if (!readTyped(value, typeOf<T>(), field, sizeof(T), &data, &span.length)) return {};
    span.data = static_cast<T*>(data);
    span.value = value;
    return span;
  }
  // Like `typed`; null and undefined mean absence.
  template <typename T> Span<T> typedOrNull(napi_value value, const char* field) {
    return isAbsent(value) ? Span<T>{} : typed<T>(value, field);
  }

private:
  double doubleOf(napi_value value);
  template <typename T> static constexpr napi_typedarray_type typeOf() {
    if constexpr (std::is_same_v<T, float>)
      return napi_float32_array;
    else if constexpr (std::is_same_v<T, double>)
      return napi_float64_array;
    else if constexpr (std::is_same_v<T, uint8_t>)
      return napi_uint8_array;
    else if constexpr (std::is_same_v<T, uint32_t>)
      return napi_uint32_array;
    else if constexpr (std::is_same_v<T, int32_t>)
      return napi_int32_array;
    else
      return napi_bigint64_array;
  }
  bool readTyped(napi_value value, napi_typedarray_type type, const char* field, size_t align,
                 void** data, size_t* length);

  napi_env env_;
  bool failed_ = false;
};

// The arguments of one call.
class Arguments : public Reader {
public:
  static constexpr size_t kMost = 8;
  Arguments(napi_env env, napi_callback_info info);
  napi_value operator[](size_t at) const { return at < count_ ? values_[at] : undefined_; }

private:
  napi_value values_[kMost];
  size_t count_ = kMost;
  napi_value undefined_ = nullptr;
};

} // namespace vicinal::binding
