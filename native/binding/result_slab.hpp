// Memory for small results, placed one after the other in a buffer that JavaScript owns. A buffer
// for each result would cost the garbage collector more than the rest of the result.
#pragma once

#include <node_api.h>

#include <cstddef>

namespace vicinal::binding {

class ResultSlab {
public:
  // Returns a Float64Array over `count` doubles that no other result uses; `at` points to them.
  // Null with an exception pending. A large result gets a buffer of its own.
  napi_value take(napi_env env, size_t count, double*& at);

private:
  napi_value begin(napi_env env);

  // The buffer being filled. Results refer to it too and keep it alive after it is full.
  napi_ref buffer_ = nullptr;
  double* data_ = nullptr;
  size_t used_ = 0;
};

} // namespace vicinal::binding
