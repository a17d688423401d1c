// Shards, and writes to them. Shapes are checked here on the JavaScript thread; contents (ids,
// offsets, positions) are checked on the pool.
#include <cmath>
#include <optional>

#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

// The most bytes that are written on the JavaScript thread.
constexpr size_t kMostInlineWriteBytes = 16 << 10;
// With less time left than this, nothing is written there.
constexpr double kLeastInlineUs = 20;

bool metricOf(const std::string& name, Metric& metric) {
  static constexpr std::pair<std::string_view, Metric> kMetrics[] = {
      {"cosine", Metric::Cosine}, {"dot", Metric::Dot}, {"l2", Metric::L2}, {"l1", Metric::L1}};
  for (const auto& [code, value] : kMetrics) {
    if (name == code) {
      metric = value;
      return true;
    }
  }
  return false;
}

bool codeOf(const std::string& name, CodeKind& code) {
  static constexpr std::pair<std::string_view, CodeKind> kCodes[] = {
      {"auto", CodeKind::Auto},
      {"none", CodeKind::None},
      {"sq8", CodeKind::Sq8},
      {"rabitq4", CodeKind::Rabitq4},
      {"rabitq1", CodeKind::Rabitq1}};
  for (const auto& [text, value] : kCodes) {
    if (name == text) {
      code = value;
      return true;
    }
  }
  return false;
}

// Cached if the field is absent.
Placement readPlacement(Arguments& arguments, napi_value entry, const char* field) {
  napi_value value = arguments.property(entry, field);
  if (arguments.isAbsent(value)) return Placement::Cached;
  const std::string name = arguments.text(value, field, kMostNameBytes);
  if (name == "cold") return Placement::Cold;
  if (name == "pinned") return Placement::Pinned;
  if (!arguments.failed() && name != "cached") arguments.fail(field, "one of cold, cached, pinned");
  return Placement::Cached;
}

// The storage type of vectors that are rounded to `datatype`. Float32 if the field is absent.
Datatype readDatatype(Arguments& arguments, napi_value entry, Metric metric) {
  napi_value value = arguments.property(entry, "datatype");
  if (arguments.isAbsent(value)) return Datatype::Float32;
  Datatype datatype = Datatype::Float32;
  const std::string name = arguments.text(value, "vectors[].datatype", kMostNameBytes);
  if (!arguments.failed() && !isDatatype(name, datatype))
    arguments.fail("vectors[].datatype", "one of float32, float16, uint8");
  return storedAs(datatype, metric);
}

// The vector's position if the field is absent.
uint32_t readSlot(Arguments& arguments, napi_value entry, size_t place) {
  napi_value value = arguments.property(entry, "slot");
  if (arguments.isAbsent(value)) return static_cast<uint32_t>(place);
  return static_cast<uint32_t>(arguments.integer(value, "slot", 0, UINT32_MAX));
}

std::vector<VectorSpec> readVectorSpecs(Arguments& arguments, napi_value vectors) {
  std::vector<VectorSpec> specs;
  const uint32_t count = arguments.arrayLength(vectors, "vectors", kMostVectors);
  for (uint32_t at = 0; at < count && !arguments.failed(); at++) {
    napi_value entry = arguments.element(vectors, at);
    VectorSpec vector;
    vector.name =
        arguments.text(arguments.property(entry, "name"), "vectors[].name", kMostNameBytes);
    vector.dim = static_cast<uint32_t>(
        arguments.integer(arguments.property(entry, "dim"), "vectors[].dim", 1, kMostDimensions));
    vector.m = static_cast<uint32_t>(
        arguments.integer(arguments.property(entry, "m"), "vectors[].m", 0, kMostM));
    vector.efConstruct = static_cast<uint32_t>(arguments.integer(
        arguments.property(entry, "efConstruct"), "vectors[].efConstruct", 1, kMostEf));
    napi_value payloadM = arguments.property(entry, "payloadM");
    vector.payloadM =
        arguments.isAbsent(payloadM)
            ? vector.m
            : static_cast<uint32_t>(arguments.integer(payloadM, "vectors[].payloadM", 0, kMostM));
    vector.memory = readPlacement(arguments, entry, "memory");
    vector.graphMemory = readPlacement(arguments, entry, "graphMemory");
    vector.codeMemory = readPlacement(arguments, entry, "codeMemory");
    napi_value code = arguments.property(entry, "code");
    if (!arguments.isAbsent(code) &&
        !codeOf(arguments.text(code, "vectors[].code", kMostNameBytes), vector.code))
      arguments.fail("vectors[].code", "one of auto, none, sq8, rabitq4, rabitq1");
    napi_value multi = arguments.property(entry, "multi");
    if (!arguments.isAbsent(multi)) vector.isMulti = arguments.boolean(multi, "vectors[].multi");
    vector.slot = readSlot(arguments, entry, at);
    const std::string metric =
        arguments.text(arguments.property(entry, "metric"), "vectors[].metric", kMostNameBytes);
    if (!arguments.failed() && !metricOf(metric, vector.metric))
      arguments.fail("vectors[].metric", "one of cosine, dot, l2, l1");
    vector.datatype = readDatatype(arguments, entry, vector.metric);
    specs.push_back(vector);
  }
  return specs;
}

ShardSpec readSpec(Arguments& arguments, napi_value value) {
  ShardSpec spec;
  spec.vectors = readVectorSpecs(arguments, arguments.property(value, "vectors"));
  napi_value sparse = arguments.property(value, "sparse");
  const uint32_t count =
      arguments.isAbsent(sparse) ? 0 : arguments.arrayLength(sparse, "sparse", kMostVectors);
  for (uint32_t at = 0; at < count && !arguments.failed(); at++) {
    napi_value entry = arguments.element(sparse, at);
    spec.sparse.push_back(
        {arguments.text(arguments.property(entry, "name"), "sparse[].name", kMostNameBytes),
         readPlacement(arguments, entry, "memory"),
         readSlot(arguments, entry, spec.vectors.size() + at)});
  }
  spec.segmentBytes = arguments.integer(arguments.property(value, "segmentBytes"), "segmentBytes",
                                        kLeastSegmentBytes, kMostSegmentBytes);
  spec.trackChanges = arguments.boolean(arguments.property(value, "trackChanges"), "trackChanges");
  return spec;
}

napi_value createShard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ShardSpec spec = readSpec(arguments, arguments[0]);
  if (arguments.failed()) return nullptr;
  auto shard = std::make_shared<Shard>(std::move(spec), ThreadPool::shared());
  return ShardHandle::wrap(env, std::make_shared<ShardHandle>(std::move(shard)));
}

napi_value configureShard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  std::vector<VectorSpec> vectors = readVectorSpecs(arguments, arguments[1]);
  if (arguments.failed()) return nullptr;
  const auto greatest = handle->shard()->configure(std::move(vectors));
  if (!greatest) {
    throwError(env, greatest.status());
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_int64(env, *greatest, &result);
  return result;
}

napi_value reshapeShard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  ShardSpec spec = readSpec(arguments, arguments[1]);
  if (arguments.failed()) return nullptr;
  auto reshaped = std::make_shared<std::shared_ptr<Shard>>();
  Call call;
  call.work = [shard = handle->shard(), spec = std::move(spec), reshaped] {
    auto result = Shard::reshaped(*shard, spec);
    if (!result) return result.status();
    *reshaped = result.take();
    return Status::ok();
  };
  call.result = [reshaped](napi_env live) {
    return ShardHandle::wrap(live, std::make_shared<ShardHandle>(std::move(*reshaped)));
  };
  ShardHandle::begin(handle, call);
  return Environment::of(env)->runAside(std::move(call));
}

napi_value closeShard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  return Environment::of(env)->defer({}, [&](Completion done) { handle->close(std::move(done)); });
}

// A write of rows as columns.
struct ColumnsWrite {
  std::shared_ptr<ShardHandle> handle;
  std::shared_ptr<ColumnsInput> input = std::make_shared<ColumnsInput>();
  Call call;

  bool read(Arguments& arguments) {
    handle = ShardHandle::of(arguments);
    return handle && input->readBatch(arguments, arguments[1], handle->shard()->spec(), call.pins);
  }

  template <typename Write> napi_value onPool(napi_env env, Write write) {
    call.work = [shard = handle->shard(), input = input, write] {
      VICINAL_TRY(input->check());
      return write(*shard, input->columns());
    };
    return runOnShard(handle, env, Lane::Insert, std::move(call));
  }
};

// Writes a few rows on this thread, which takes less time than a hop to the pool and back. Nothing,
// and without effect, if the write has to go to the pool.
std::optional<Status> upsertedInline(Shard& shard, ColumnsInput& input, double inlineUs) {
  if (input.bytes() > kMostInlineWriteBytes || inlineUs < kLeastInlineUs) return std::nullopt;
  if (Status status = input.check(); !status) return status;
  Status status = shard.upsert(input.columns(), Waiting::Refused);
  if (status.code() == Code::Cancelled) return std::nullopt;
  return status;
}

napi_value upsert(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ColumnsWrite write;
  if (!write.read(arguments)) return nullptr;
  const double inlineUs = arguments.isAbsent(arguments[2])
                              ? 0
                              : arguments.number(arguments[2], "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  const auto status = upsertedInline(*write.handle->shard(), *write.input, inlineUs);
  if (!status)
    return write.onPool(
        env, [](Shard& shard, const UpsertColumns& columns) { return shard.upsert(columns); });
  if (!status->isOk()) throwError(env, *status);
  return nullptr;
}
napi_value updateVectors(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ColumnsWrite write;
  if (!write.read(arguments)) return nullptr;
  return write.onPool(
      env, [](Shard& shard, const UpsertColumns& columns) { return shard.updateVectors(columns); });
}

napi_value setPayloads(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto input = std::make_shared<ColumnsInput>();
  Call call;
  input->readIds(arguments, arguments[1], call.pins);
  input->readPayloads(arguments, arguments[2], call.pins);
  input->readSeq(arguments, arguments[3]);
  if (arguments.failed()) return nullptr;
  call.work = [shard = handle->shard(), input] {
    VICINAL_TRY(input->check());
    return shard->setPayloads(input->columns());
  };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value deletePoints(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto input = std::make_shared<ColumnsInput>();
  Call call;
  input->readIds(arguments, arguments[1], call.pins);
  input->readSeq(arguments, arguments[2]);
  if (arguments.failed()) return nullptr;
  auto removed = std::make_shared<uint32_t>(0);
  call.work = [shard = handle->shard(), input, removed] {
    VICINAL_TRY(input->check());
    auto deleted = shard->deletePoints(input->columns().ids, input->columns().seq);
    if (!deleted) return deleted.status();
    *removed = *deleted;
    return Status::ok();
  };
  call.result = [removed](napi_env live) { return makeNumber(live, *removed); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value deleteVectors(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto input = std::make_shared<ColumnsInput>();
  Call call;
  input->readIds(arguments, arguments[1], call.pins);
  std::vector<uint32_t> vectors =
      readVectorIndexes(arguments, arguments[2], handle->shard()->spec());
  input->readSeq(arguments, arguments[3]);
  if (arguments.failed()) return nullptr;
  call.work = [shard = handle->shard(), input, vectors = std::move(vectors)] {
    VICINAL_TRY(input->check());
    return shard->deleteVectors(input->columns().ids, vectors, input->columns().seq);
  };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value advance(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint64_t seq = arguments.integer(arguments[1], "seq", 0, kMostSafeInteger);
  if (!arguments.failed()) handle->shard()->advance(seq);
  return nullptr;
}

} // namespace

void defineWriteMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"createShard", createShard},
      {"configureShard", configureShard},
      {"reshapeShard", reshapeShard},
      {"closeShard", closeShard},
      {"upsert", upsert},
      {"updateVectors", updateVectors},
      {"setPayloads", setPayloads},
      {"deletePoints", deletePoints},
      {"deleteVectors", deleteVectors},
      {"advance", advance},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
