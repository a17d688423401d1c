#include <node_api.h>

#include "binding/environment.hpp"
#include "binding/methods.hpp"

namespace vicinal::binding {

namespace {

// Addon.abi of src/native/addon.ts; bumped with every incompatible change.
constexpr uint32_t kAbi = 1;

} // namespace

void defineMethods(napi_env env, napi_value exports, const Method* methods, size_t count) {
  for (size_t at = 0; at < count; at++) {
    napi_value function = nullptr;
    napi_create_function(env, methods[at].name, NAPI_AUTO_LENGTH, methods[at].function, nullptr,
                         &function);
    napi_set_named_property(env, exports, methods[at].name, function);
  }
}

static napi_value initialise(napi_env env, napi_value exports) {
  if (!Environment::install(env)) return nullptr;
  napi_value abi = nullptr;
  napi_create_uint32(env, kAbi, &abi);
  napi_set_named_property(env, exports, "abi", abi);
  defineKernelMethods(env, exports);
  defineWriteMethods(env, exports);
  defineReadMethods(env, exports);
  defineAggregateMethods(env, exports);
  defineSearchMethods(env, exports);
  defineFlushMethods(env, exports);
  defineFileMethods(env, exports);
  defineMaintenanceMethods(env, exports);
  defineMemoryMethods(env, exports);
  defineTextMethods(env, exports);
  defineSharingMethods(env, exports);
  return exports;
}

} // namespace vicinal::binding

NAPI_MODULE_INIT() { return vicinal::binding::initialise(env, exports); }
