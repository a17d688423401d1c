#include "binding/result_slab.hpp"

#include "binding/arguments.hpp"

namespace vicinal::binding {

namespace {

// Memory for some hundred results of ten points. A caller that keeps one result keeps the whole
// slab.
constexpr size_t kSlabDoubles = 64 * 1024 / sizeof(double);
// The largest result in a slab; it bounds the unused end of a full slab.
constexpr size_t kMostOfSlab = kSlabDoubles / 8;

napi_value thrown(napi_env env) {
  bool isPending = false;
  napi_is_exception_pending(env, &isPending);
  if (!isPending) throwError(env, "INTERNAL", "a result has no memory");
  return nullptr;
}

} // namespace

napi_value ResultSlab::take(napi_env env, size_t count, double*& at) {
  napi_value buffer = nullptr;
  size_t from = 0;
  if (count > kMostOfSlab) {
    void* data = nullptr;
    if (napi_create_arraybuffer(env, count * sizeof(double), &data, &buffer) != napi_ok)
      return thrown(env);
    at = static_cast<double*>(data);
  } else {
    const bool hasRoom = buffer_ != nullptr && used_ + count <= kSlabDoubles;
    if (hasRoom) napi_get_reference_value(env, buffer_, &buffer);
    if (!hasRoom) buffer = begin(env);
    if (buffer == nullptr) return thrown(env);
    from = used_;
    used_ += count;
    at = data_ + from;
  }
  napi_value doubles = nullptr;
  if (napi_create_typedarray(env, napi_float64_array, count, buffer, from * sizeof(double),
                             &doubles) == napi_ok)
    return doubles;
  // The buffer was detached, so the next result gets a new one.
  used_ = kSlabDoubles;
  return thrown(env);
}

napi_value ResultSlab::begin(napi_env env) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_ref held = nullptr;
  if (napi_create_arraybuffer(env, kSlabDoubles * sizeof(double), &data, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &held) != napi_ok)
    return nullptr;
  if (buffer_ != nullptr) napi_delete_reference(env, buffer_);
  buffer_ = held;
  data_ = static_cast<double*>(data);
  used_ = 0;
  return buffer;
}

} // namespace vicinal::binding
