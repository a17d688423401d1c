// The addon's functions by group. src/native/addon.ts declares and documents each.
#pragma once

#include <node_api.h>

namespace vicinal::binding {

struct Method {
  const char* name;
  napi_callback function;
};

void defineMethods(napi_env env, napi_value exports, const Method* methods, size_t count);

void defineKernelMethods(napi_env env, napi_value exports);
void defineWriteMethods(napi_env env, napi_value exports);
void defineReadMethods(napi_env env, napi_value exports);
void defineAggregateMethods(napi_env env, napi_value exports);
void defineSearchMethods(napi_env env, napi_value exports);
void defineFlushMethods(napi_env env, napi_value exports);
void defineFileMethods(napi_env env, napi_value exports);
void defineMaintenanceMethods(napi_env env, napi_value exports);
void defineMemoryMethods(napi_env env, napi_value exports);
void defineTextMethods(napi_env env, napi_value exports);
void defineSharingMethods(napi_env env, napi_value exports);
void defineQualityMethods(napi_env env, napi_value exports);

} // namespace vicinal::binding
