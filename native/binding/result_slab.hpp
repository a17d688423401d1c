// Memory for small results, one behind the other, that JavaScript owns. A buffer for each of them
// would cost the garbage collector more than all else that is made of a result.
#pragma once

#include <node_api.h>

#include <cstddef>

namespace vicinal::binding {

class ResultSlab {
public:
  // A Float64Array over so many doubles that nobody else is given, and where they begin; null with
  // an exception pending. What is not small gets a buffer of its own.
  napi_value take(napi_env env, size_t count, double*& at);

private:
  napi_value begin(napi_env env);

  // The buffer that is being filled. Results hold it as well, and keep it after it is full.
  napi_ref buffer_ = nullptr;
  double* data_ = nullptr;
  size_t used_ = 0;
};

} // namespace vicinal::binding
