// Converts native results to JavaScript. Small arrays of one result share one ArrayBuffer; large
// arrays give their memory to JavaScript without a copy.
#pragma once

#include <node_api.h>

#include <vector>

#include "base/buffer.hpp"
#include "search/row_block.hpp"

namespace vicinal::binding {

// Above this size, giving memory away is cheaper than copying it.
constexpr size_t kSmallBytes = 16 * 1024;

class ResultObject {
public:
  explicit ResultObject(napi_env env);

  void set(const char* name, napi_value value);
  void number(const char* name, double value);
  void boolean(const char* name, bool value);
  void text(const char* name, const std::string& value);
  void null(const char* name);
  // `into` null: sets the property on this object.
  void array(const char* name, Buffer<uint32_t>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<int32_t>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<float>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<double>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<int64_t>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<uint8_t>& values, napi_value into = nullptr);
  void array(const char* name, Buffer<char>& values, napi_value into = nullptr);
  // Sets a new object as a property.
  napi_value object(const char* name);

  // The object with its arrays, or null with an exception pending.
  napi_value finish();

private:
  struct Small {
    napi_value into;
    const char* name;
    napi_typedarray_type type;
    const void* data;
    size_t length;
    size_t bytes;
  };
  template <typename T>
  void add(const char* name, napi_typedarray_type type, Buffer<T>& values, napi_value into);
  void giveAway(const Small& array, void* data);

  napi_env env_;
  napi_value object_ = nullptr;
  std::vector<Small> small_;
  size_t smallBytes_ = 0;
};

napi_value makeNumber(napi_env env, double value);
napi_value makeArray(napi_env env, size_t length);
void addRowBlock(napi_env env, ResultObject& object, RowBlock& rows);
napi_value makeTyped(napi_env env, Buffer<uint32_t>& values);

} // namespace vicinal::binding
