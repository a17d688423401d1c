#include "binding/results.hpp"

#include <cstdlib>

#include "binding/arguments.hpp"

namespace vicinal::binding {

namespace {

size_t aligned(size_t bytes) { return (bytes + 7) & ~size_t(7); }

void freeGivenAway(napi_env env, void* data, void* hint) {
  std::free(data);
  int64_t total = 0;
  napi_adjust_external_memory(env, -static_cast<int64_t>(reinterpret_cast<uintptr_t>(hint)),
                              &total);
}

} // namespace

ResultObject::ResultObject(napi_env env) : env_(env) { napi_create_object(env, &object_); }

void ResultObject::set(const char* name, napi_value value) {
  napi_set_named_property(env_, object_, name, value);
}

void ResultObject::number(const char* name, double value) {
  napi_value result;
  napi_create_double(env_, value, &result);
  set(name, result);
}

void ResultObject::boolean(const char* name, bool value) {
  napi_value result;
  napi_get_boolean(env_, value, &result);
  set(name, result);
}

void ResultObject::text(const char* name, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env_, value.data(), value.size(), &result);
  set(name, result);
}

void ResultObject::null(const char* name) {
  napi_value result;
  napi_get_null(env_, &result);
  set(name, result);
}

napi_value ResultObject::object(const char* name) {
  napi_value result;
  napi_create_object(env_, &result);
  set(name, result);
  return result;
}

template <typename T>
void ResultObject::add(const char* name, napi_typedarray_type type, Buffer<T>& values,
                       napi_value into) {
  const Small array{
      into == nullptr ? object_ : into, name, type, values.data(), values.size(), values.bytes()};
  if (array.bytes > kSmallBytes) {
    giveAway(array, values.release());
    return;
  }
  small_.push_back(array);
  smallBytes_ += aligned(array.bytes);
}

void ResultObject::giveAway(const Small& array, void* data) {
  napi_value buffer = nullptr;
  napi_value typed = nullptr;
  void* hint = reinterpret_cast<void*>(array.bytes);
  int64_t total = 0;
  if (napi_create_external_arraybuffer(env_, data, array.bytes, freeGivenAway, hint, &buffer) !=
      napi_ok) {
    std::free(data);
    throwError(env_, "OVERLOADED", "out of memory while returning a result");
    return;
  }
  napi_adjust_external_memory(env_, static_cast<int64_t>(array.bytes), &total);
  napi_create_typedarray(env_, array.type, array.length, buffer, 0, &typed);
  napi_set_named_property(env_, array.into, array.name, typed);
}

void ResultObject::array(const char* name, Buffer<uint32_t>& values, napi_value into) {
  add(name, napi_uint32_array, values, into);
}
void ResultObject::array(const char* name, Buffer<int32_t>& values, napi_value into) {
  add(name, napi_int32_array, values, into);
}
void ResultObject::array(const char* name, Buffer<float>& values, napi_value into) {
  add(name, napi_float32_array, values, into);
}
void ResultObject::array(const char* name, Buffer<double>& values, napi_value into) {
  add(name, napi_float64_array, values, into);
}
void ResultObject::array(const char* name, Buffer<int64_t>& values, napi_value into) {
  add(name, napi_bigint64_array, values, into);
}
void ResultObject::array(const char* name, Buffer<uint8_t>& values, napi_value into) {
  add(name, napi_uint8_array, values, into);
}
void ResultObject::array(const char* name, Buffer<char>& values, napi_value into) {
  add(name, napi_uint8_array, values, into);
}

napi_value ResultObject::finish() {
  if (small_.empty()) return object_;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env_, smallBytes_, &data, &buffer) != napi_ok) return nullptr;
  size_t offset = 0;
  for (const Small& array : small_) {
    if (array.bytes > 0)
      __builtin_memcpy(static_cast<char*>(data) + offset, array.data, array.bytes);
    napi_value typed = nullptr;
    napi_create_typedarray(env_, array.type, array.length, buffer, offset, &typed);
    napi_set_named_property(env_, array.into, array.name, typed);
    offset += aligned(array.bytes);
  }
  return object_;
}

napi_value makeNumber(napi_env env, double value) {
  napi_value number = nullptr;
  napi_create_double(env, value, &number);
  return number;
}

napi_value makeArray(napi_env env, size_t length) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, length, &array);
  return array;
}

napi_value makeTyped(napi_env env, Buffer<uint32_t>& values) {
  ResultObject holder(env);
  holder.array("values", values);
  napi_value result = nullptr;
  napi_value object = holder.finish();
  if (object == nullptr || napi_get_named_property(env, object, "values", &result) != napi_ok)
    return nullptr;
  return result;
}

void addRowBlock(napi_env env, ResultObject& object, RowBlock& rows) {
  object.number("count", rows.count);
  object.array("ids", rows.ids);
  object.array("seqs", rows.seqs);
  if (rows.hasPayloads) {
    napi_value payloads = object.object("payloads");
    object.array("bytes", rows.payloadBytes, payloads);
    object.array("offsets", rows.payloadOffsets, payloads);
  } else {
    object.null("payloads");
  }
  napi_value vectors = makeArray(env, rows.vectors.size());
  for (uint32_t at = 0; at < rows.vectors.size(); at++) {
    napi_value column;
    napi_create_object(env, &column);
    napi_set_element(env, vectors, at, column);
    object.array("data", rows.vectors[at].data, column);
    object.array("counts", rows.vectors[at].counts, column);
    if (!rows.vectors[at].isSparse) continue;
    napi_value sparse = nullptr;
    napi_create_object(env, &sparse);
    napi_set_named_property(env, column, "sparse", sparse);
    object.array("indices", rows.vectors[at].indices, sparse);
    object.array("offsets", rows.vectors[at].offsets, sparse);
  }
  object.set("vectors", vectors);
}

} // namespace vicinal::binding
