// Functions that need no shard: the kernel itself, checksums, preparation of vectors, file locks.
#include "base/container.hpp"
#include "base/crc32c.hpp"
#include "base/file.hpp"
#include "binding/arguments.hpp"
#include "binding/bounds.hpp"
#include "binding/environment.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "distance/inspect.hpp"
#include "distance/kernels.hpp"
#include "distance/near_earlier.hpp"
#include "distance/prepare.hpp"
#include "segment/point_id.hpp"

namespace vicinal::binding {

namespace {

constexpr napi_type_tag kLockTag = {0x51c3a6b2e4f90d17ULL, 0x9a0b7c6d5e4f3a21ULL};

napi_value isa(napi_env env, napi_callback_info) {
  napi_value name = nullptr;
  napi_create_string_utf8(env, kernels().name, NAPI_AUTO_LENGTH, &name);
  return name;
}

napi_value poolThreads(napi_env env, napi_callback_info) {
  napi_value threads = nullptr;
  napi_create_uint32(env, ThreadPool::shared().threads(), &threads);
  return threads;
}

napi_value cores(napi_env env, napi_callback_info) {
  napi_value count = nullptr;
  napi_create_uint32(env, usableCores(), &count);
  return count;
}

napi_value keepSearches(napi_env env, napi_callback_info info) {
  Environment::of(env)->keepSearches();
  return nullptr;
}

// Null if there is no limit.
napi_value containerMemory(napi_env env, napi_callback_info) {
  const uint64_t bytes = Container::now().memoryLimit;
  napi_value result = nullptr;
  if (bytes == UINT64_MAX)
    napi_get_null(env, &result);
  else
    napi_create_double(env, double(bytes), &result);
  return result;
}

napi_value checksum(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto data = arguments.typed<uint8_t>(arguments[0], "data");
  const uint64_t seed =
      arguments.isAbsent(arguments[1]) ? 0 : arguments.integer(arguments[1], "seed", 0, UINT32_MAX);
  if (arguments.failed()) return nullptr;
  napi_value result = nullptr;
  napi_create_uint32(env, crc32c(data.data, data.length, static_cast<uint32_t>(seed)), &result);
  return result;
}

struct Vectors {
  Span<float> data;
  size_t dim = 0;
  bool normalise = false;
  Datatype datatype = Datatype::Float32;
  int64_t prepare() const {
    return prepareVectors(data.data, data.length / dim, dim, normalise, datatype);
  }
};

void readDatatype(Arguments& arguments, napi_value value, Datatype& datatype) {
  const std::string name = arguments.text(value, "datatype", kMostNameBytes);
  if (!arguments.failed() && !isDatatype(name, datatype))
    arguments.fail("datatype", "one of float32, float16, uint8");
}

bool readVectors(Arguments& arguments, Vectors& vectors) {
  vectors.data = arguments.typed<float>(arguments[0], "data");
  vectors.dim = arguments.integer(arguments[1], "dim", 1, kMostDimensions);
  vectors.normalise = arguments.boolean(arguments[2], "normalise");
  if (!arguments.isAbsent(arguments[3])) readDatatype(arguments, arguments[3], vectors.datatype);
  if (!arguments.failed() && vectors.data.length % vectors.dim != 0)
    arguments.fail("data", "a multiple of dim floats");
  return !arguments.failed();
}

// The arrays that an inspection reads and writes.
struct Inspection {
  Span<float> data;
  size_t dim = 0;
  Datatype datatype = Datatype::Float32;
  Span<double> norms;
  Span<uint8_t> flags;
  Span<uint32_t> hashes;

  bool read(Arguments& arguments) {
    data = arguments.typed<float>(arguments[0], "data");
    dim = arguments.integer(arguments[1], "dim", 1, kMostDimensions);
    readDatatype(arguments, arguments[2], datatype);
    norms = arguments.typed<double>(arguments[3], "norms");
    flags = arguments.typed<uint8_t>(arguments[4], "flags");
    hashes = arguments.typedOrNull<uint32_t>(arguments[5], "hashes");
    if (arguments.failed()) return false;
    const size_t count = data.length / dim;
    const bool fits = data.length % dim == 0 && norms.length == count && flags.length == count;
    if (!fits || (hashes.present() && hashes.length != 2 * count))
      arguments.fail("data", "dim floats for each norm, flag and hash");
    return !arguments.failed();
  }
  void run() const {
    inspectVectors(data.data, norms.length, dim, datatype, norms.data, flags.data, hashes.data);
  }
};

napi_value inspectSync(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Inspection inspection;
  if (inspection.read(arguments)) inspection.run();
  return nullptr;
}

napi_value inspect(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Inspection inspection;
  if (!inspection.read(arguments)) return nullptr;
  Call call;
  call.pins = {inspection.data.value, inspection.norms.value, inspection.flags.value};
  if (inspection.hashes.present()) call.pins.push_back(inspection.hashes.value);
  call.work = [inspection] {
    inspection.run();
    return Status::ok();
  };
  call.result = [](napi_env live) {
    napi_value nothing = nullptr;
    napi_get_undefined(live, &nothing);
    return nothing;
  };
  return Environment::of(env)->run(Lane::Insert, std::move(call));
}

napi_value prepareSync(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Vectors vectors;
  return readVectors(arguments, vectors) ? makeNumber(env, double(vectors.prepare())) : nullptr;
}

napi_value prepare(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Vectors vectors;
  if (!readVectors(arguments, vectors)) return nullptr;
  auto first = std::make_shared<int64_t>(-1);
  Call call;
  call.pins = {vectors.data.value};
  call.work = [vectors, first] {
    *first = vectors.prepare();
    return Status::ok();
  };
  call.result = [first](napi_env live) { return makeNumber(live, double(*first)); };
  return Environment::of(env)->run(Lane::Insert, std::move(call));
}

napi_value nearEarlierOf(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto data = arguments.typed<float>(arguments[0], "data");
  const size_t dim = arguments.integer(arguments[1], "dim", 1, kMostDimensions);
  const auto metric = Metric(arguments.integer(arguments[2], "metric", 0, 3));
  const double threshold = arguments.number(arguments[3], "threshold", -FLT_MAX, FLT_MAX);
  const size_t window = arguments.integer(arguments[4], "window", 1, UINT32_MAX);
  const auto found = arguments.typed<int32_t>(arguments[5], "found");
  const auto scores = arguments.typed<float>(arguments[6], "scores");
  const auto ids = arguments.typed<uint32_t>(arguments[7], "ids");
  if (arguments.failed()) return nullptr;
  if (data.length != found.length * dim || scores.length != found.length ||
      ids.length != found.length * kIdWords) {
    arguments.fail("data", "dim floats and an id for each place and score");
    return nullptr;
  }
  Call call;
  call.pins = {data.value, found.value, scores.value, ids.value};
  call.work = [=] {
    const float most = distanceOf(metric, float(threshold));
    nearEarlier({data.data, ids.data, found.length, dim, kIdWords}, metric, most, window,
                found.data, scores.data);
    return Status::ok();
  };
  call.result = [](napi_env live) {
    napi_value nothing = nullptr;
    napi_get_undefined(live, &nothing);
    return nothing;
  };
  return Environment::of(env)->run(Lane::Insert, std::move(call));
}

napi_value lockFile(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string path = arguments.text(arguments[0], "path", kMostPathBytes);
  if (arguments.failed()) return nullptr;
  auto lock = FileLock::acquire(path);
  napi_value result = nullptr;
  if (!lock && lock.status().code() == Code::Locked) {
    napi_get_null(env, &result);
    return result;
  }
  if (!lock) {
    throwError(env, lock.status());
    return nullptr;
  }
  napi_create_object(env, &result);
  auto* held = new FileLock(lock.take());
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<FileLock*>(data); };
  if (napi_wrap(env, result, held, finalize, nullptr, nullptr) != napi_ok) {
    delete held;
    throwError(env, "INTERNAL", "the lock's handle cannot be made");
    return nullptr;
  }
  napi_type_tag_object(env, result, &kLockTag);
  return result;
}

napi_value unlockFile(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  napi_valuetype type = napi_undefined;
  bool isLock = false;
  void* data = nullptr;
  napi_typeof(env, arguments[0], &type);
  if (type == napi_object) napi_check_object_type_tag(env, arguments[0], &kLockTag, &isLock);
  if (isLock) napi_unwrap(env, arguments[0], &data);
  if (data == nullptr)
    arguments.fail("lock", "a handle made by lockFile");
  else
    static_cast<FileLock*>(data)->release();
  return nullptr;
}

} // namespace

void defineKernelMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"isa", isa},
      {"poolThreads", poolThreads},
      {"usableCores", cores},
      {"keepSearches", keepSearches},
      {"containerMemory", containerMemory},
      {"crc32c", checksum},
      {"prepareVectorsSync", prepareSync},
      {"prepareVectors", prepare},
      {"inspectVectorsSync", inspectSync},
      {"inspectVectors", inspect},
      {"nearEarlier", nearEarlierOf},
      {"lockFile", lockFile},
      {"unlockFile", unlockFile},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
