#include "binding/arguments.hpp"

#include <cmath>

namespace vicinal::binding {

namespace {

// The longest text that is copied at once. A text that is cut off ends before the first character
// that does not fit.
constexpr size_t kBriefBytes = 1024;
constexpr size_t kMostCharacterBytes = 4;

} // namespace

napi_value makeError(napi_env env, const char* code, std::string_view message) {
  napi_value codeValue, messageValue, error = nullptr;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &codeValue);
  napi_create_string_utf8(env, message.data(), message.size(), &messageValue);
  napi_create_error(env, codeValue, messageValue, &error);
  return error;
}

void throwError(napi_env env, const char* code, std::string_view message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw(env, makeError(env, code, message));
}

napi_value makeError(napi_env env, const Status& status) {
  napi_value error = makeError(env, codeName(status.code()), std::string_view(status.message()));
  if (status.wantedBytes() == 0) return error;
  napi_value wanted = nullptr;
  napi_create_double(env, double(status.wantedBytes()), &wanted);
  napi_set_named_property(env, error, "wantedBytes", wanted);
  return error;
}

void throwError(napi_env env, const Status& status) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw(env, makeError(env, status));
}

void Reader::fail(const char* field, const char* expected) {
  if (!failed_) throwError(env_, "INVALID_ARGUMENT", std::string(field) + ": expected " + expected);
  failed_ = true;
}

napi_value Reader::property(napi_value object, const char* name) {
  napi_value value = nullptr;
  if (failed_ || object == nullptr) return nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, object, &type);
  if (type != napi_object) {
    fail(name, "its parent to be an object");
    return nullptr;
  }
  if (napi_get_named_property(env_, object, name, &value) != napi_ok)
    fail(name, "a readable property");
  return value;
}

bool Reader::isAbsent(napi_value value) {
  if (failed_ || value == nullptr) return true;
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, value, &type);
  return type == napi_undefined || type == napi_null;
}

double Reader::number(napi_value value, const char* field, double least, double most) {
  return checkedNumber(doubleOf(value), field, least, most);
}

uint64_t Reader::integer(napi_value value, const char* field, uint64_t least, uint64_t most) {
  return checkedInteger(doubleOf(value), field, least, most);
}

// NaN lies in no range.
double Reader::doubleOf(napi_value value) {
  double result = NAN;
  if (failed_ || value == nullptr || napi_get_value_double(env_, value, &result) != napi_ok)
    return NAN;
  return result;
}

double Reader::checkedNumber(double value, const char* field, double least, double most) {
  if (failed_) return least;
  if (value >= least && value <= most) return value;
  const std::string expected =
      "a number in [" + std::to_string(least) + ", " + std::to_string(most) + "]";
  fail(field, expected.c_str());
  return least;
}

uint64_t Reader::checkedInteger(double value, const char* field, uint64_t least, uint64_t most) {
  if (failed_) return least;
  if (value >= static_cast<double>(least) && value <= static_cast<double>(most) &&
      value == std::floor(value))
    return static_cast<uint64_t>(value);
  const std::string expected =
      "an integer in [" + std::to_string(least) + ", " + std::to_string(most) + "]";
  fail(field, expected.c_str());
  return least;
}

bool Reader::boolean(napi_value value, const char* field) {
  bool result = false;
  if (!failed_ && (value == nullptr || napi_get_value_bool(env_, value, &result) != napi_ok))
    fail(field, "a boolean");
  return result;
}

std::string Reader::text(napi_value value, const char* field, size_t maxBytes) {
  size_t bytes = 0;
  if (failed_) return {};
  // Short texts are copied at once, because asking for the length first takes as long.
  char brief[kBriefBytes];
  if (value == nullptr ||
      napi_get_value_string_utf8(env_, value, brief, sizeof brief, &bytes) != napi_ok) {
    fail(field, "a string");
    return {};
  }
  const bool isWhole = bytes + kMostCharacterBytes < sizeof brief;
  if (!isWhole) napi_get_value_string_utf8(env_, value, nullptr, 0, &bytes);
  if (bytes > maxBytes) {
    fail(field, ("at most " + std::to_string(maxBytes) + " bytes").c_str());
    return {};
  }
  if (isWhole) return std::string(brief, bytes);
  std::string result(bytes, '\0');
  napi_get_value_string_utf8(env_, value, result.data(), bytes + 1, &bytes);
  return result;
}

uint32_t Reader::arrayLength(napi_value value, const char* field, uint32_t most) {
  if (failed_) return 0;
  bool isArray = false;
  uint32_t length = 0;
  if (value == nullptr || napi_is_array(env_, value, &isArray) != napi_ok || !isArray) {
    fail(field, "an array");
    return 0;
  }
  napi_get_array_length(env_, value, &length);
  if (length > most) {
    fail(field, ("at most " + std::to_string(most) + " elements").c_str());
    return 0;
  }
  return length;
}

napi_value Reader::element(napi_value array, uint32_t index) {
  napi_value value = nullptr;
  if (!failed_) napi_get_element(env_, array, index, &value);
  return value;
}

bool Reader::readTyped(napi_value value, napi_typedarray_type type, const char* field, size_t align,
                       void** data, size_t* length) {
  if (failed_) return false;
  bool isTyped = false;
  napi_typedarray_type seen = napi_int8_array;
  if (value != nullptr) napi_is_typedarray(env_, value, &isTyped);
  if (isTyped) napi_get_typedarray_info(env_, value, &seen, length, data, nullptr, nullptr);
  if (!isTyped || seen != type) {
    static constexpr const char* kNames[] = {
        "an Int8Array",   "a Uint8Array",    "a Uint8ClampedArray", "an Int16Array",
        "a Uint16Array",  "an Int32Array",   "a Uint32Array",       "a Float32Array",
        "a Float64Array", "a BigInt64Array", "a BigUint64Array"};
    fail(field, kNames[type]);
    return false;
  }
  // JavaScript guarantees the alignment; a detached array has no elements.
  (void)align;
  if (*data == nullptr) *length = 0;
  return true;
}

Arguments::Arguments(napi_env env, napi_callback_info info) : Reader(env) {
  napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
  napi_get_undefined(env, &undefined_);
  if (count_ > kMost) count_ = kMost;
}

} // namespace vicinal::binding
