#include <node_api.h>

#include "binding/arguments.hpp"
#include "binding/environment.hpp"
#include "binding/methods.hpp"

namespace vicinal::binding {

namespace {

// Addon.abi of src/native/addon.ts; raised with every incompatible change.
constexpr uint32_t kAbi = 1;

} // namespace

// No C++ exception may reach the engine.
static napi_value callMethod(napi_env env, napi_callback_info info) {
  void* method = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &method);
  napi_value value = nullptr;
  const Status status = attempt([&] {
    value = static_cast<const Method*>(method)->function(env, info);
    return Status::ok();
  });
  if (status) return value;
  throwError(env, status);
  return nullptr;
}

void defineMethods(napi_env env, napi_value exports, const Method* methods, size_t count) {
  for (size_t at = 0; at < count; at++) {
    napi_value function = nullptr;
    // The method tables are static, so the pointers stay valid.
    napi_create_function(env, methods[at].name, NAPI_AUTO_LENGTH, callMethod,
                         const_cast<Method*>(&methods[at]), &function);
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
  defineQualityMethods(env, exports);
  return exports;
}

} // namespace vicinal::binding

NAPI_MODULE_INIT() {
  napi_value made = nullptr;
  const vicinal::Status status = vicinal::attempt([&] {
    made = vicinal::binding::initialise(env, exports);
    return vicinal::Status::ok();
  });
  if (!status) vicinal::binding::throwError(env, status);
  return made;
}
