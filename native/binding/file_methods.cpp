// Segment files: opening, checkpoints, inspection. These calls wait for disks, so none of them uses
// a thread of the pool.
#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"
#include "segment/segment_reader.hpp"

namespace vicinal::binding {

namespace {

std::optional<uint32_t> readCrc(Reader& reader, napi_value value) {
  if (reader.isAbsent(value)) return std::nullopt;
  return static_cast<uint32_t>(reader.integer(value, "crc", 0, UINT32_MAX));
}

napi_value openSegmentMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  SegmentSource source;
  source.path = arguments.text(arguments.property(arguments[1], "path"), "path", kMostPathBytes);
  source.crc = readCrc(arguments, arguments.property(arguments[1], "crc"));
  napi_value overlay = arguments.property(arguments[1], "overlay");
  if (!arguments.isAbsent(overlay)) {
    source.overlayPath =
        arguments.text(arguments.property(overlay, "path"), "overlay.path", kMostPathBytes);
    source.overlayCrc = readCrc(arguments, arguments.property(overlay, "crc"));
  }
  napi_value verified = arguments.property(arguments[1], "verified");
  if (!arguments.isAbsent(verified)) source.isVerified = arguments.boolean(verified, "verified");
  const bool resume = arguments.boolean(arguments.property(arguments[1], "resume"), "resume");
  if (arguments.failed()) return nullptr;
  auto number = std::make_shared<uint32_t>(0);
  Call call;
  call.work = [shard = handle->shard(), source = std::move(source), resume, number] {
    auto opened = shard->openSegment(source, resume);
    if (!opened) return opened.status();
    *number = *opened;
    return Status::ok();
  };
  call.result = [number](napi_env live) {
    napi_value value = nullptr;
    napi_create_uint32(live, *number, &value);
    return value;
  };
  ShardHandle::begin(handle, call);
  return Environment::of(env)->runAside(std::move(call));
}

void addStamp(ResultObject& object, const FileStamp& stamp) {
  object.text("file", fileName(stamp.path));
  object.number("bytes", static_cast<double>(stamp.bytes));
  object.number("crc", stamp.crc);
}

napi_value checkpointResult(napi_env env, const CheckpointResult& result) {
  napi_value list = makeArray(env, result.segments.size());
  for (uint32_t at = 0; at < result.segments.size(); at++) {
    const auto& segment = result.segments[at];
    ResultObject entry(env);
    entry.number("segment", segment.number);
    addStamp(entry, segment.base);
    if (segment.overlay) {
      ResultObject overlay(env);
      addStamp(overlay, *segment.overlay);
      entry.set("overlay", overlay.finish());
    } else {
      entry.null("overlay");
    }
    napi_set_element(env, list, at, entry.finish());
  }
  ResultObject object(env);
  object.number("throughSeq", static_cast<double>(result.throughSeq));
  object.set("segments", list);
  return object.finish();
}

napi_value checkpoint(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  std::string folder = arguments.text(arguments[1], "folder", kMostPathBytes);
  if (arguments.failed()) return nullptr;
  auto result = std::make_shared<CheckpointResult>();
  Call call;
  call.work = [shard = handle->shard(), folder = std::move(folder), result] {
    auto written = shard->checkpoint(folder);
    if (!written) return written.status();
    *result = written.take();
    return Status::ok();
  };
  call.result = [result](napi_env live) { return checkpointResult(live, *result); };
  ShardHandle::begin(handle, call);
  return Environment::of(env)->runAside(std::move(call));
}

const char* metricCode(Metric metric) {
  static constexpr const char* kCodes[] = {"cosine", "dot", "l2", "l1"};
  return kCodes[size_t(metric)];
}

napi_value description(napi_env env, const SegmentDescription& described) {
  napi_value sections = makeArray(env, described.directory.sections.size());
  for (uint32_t at = 0; at < described.directory.sections.size(); at++) {
    const Section& section = described.directory.sections[at];
    ResultObject entry(env);
    entry.text("name", sectionName(section.kind));
    entry.number("bytes", static_cast<double>(section.bytes));
    napi_set_element(env, sections, at, entry.finish());
  }
  napi_value vectors = makeArray(env, described.directory.vectors.size());
  for (uint32_t at = 0; at < described.directory.vectors.size(); at++) {
    const VectorDirectory& vector = described.directory.vectors[at];
    ResultObject entry(env);
    entry.text("name", vector.spec.name);
    entry.number("dim", vector.spec.dim);
    entry.text("metric", metricCode(vector.spec.metric));
    entry.text("datatype", nameOf(vector.spec.datatype));
    entry.number("vertices", vector.vertices);
    entry.number("indexed", vector.graph.vertices);
    napi_set_element(env, vectors, at, entry.finish());
  }
  ResultObject object(env);
  object.number("formatVersion", described.formatVersion);
  object.number("rows", described.directory.rows);
  object.number("bytes", static_cast<double>(described.bytes));
  object.set("sections", sections);
  object.set("vectors", vectors);
  napi_value sparse = makeArray(env, described.directory.sparse.size());
  for (uint32_t at = 0; at < described.directory.sparse.size(); at++) {
    napi_value name = nullptr;
    napi_create_string_utf8(env, described.directory.sparse[at].data(),
                            described.directory.sparse[at].size(), &name);
    napi_set_element(env, sparse, at, name);
  }
  object.set("sparse", sparse);
  return object.finish();
}

napi_value inspectSegmentMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::string path = arguments.text(arguments[0], "path", kMostPathBytes);
  if (arguments.failed()) return nullptr;
  auto described = std::make_shared<SegmentDescription>();
  Call call;
  call.work = [path = std::move(path), described] {
    auto result = inspectSegment(path);
    if (!result) return result.status();
    *described = result.take();
    return Status::ok();
  };
  call.result = [described](napi_env live) { return description(live, *described); };
  return Environment::of(env)->runAside(std::move(call));
}

} // namespace

void defineFileMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"openSegment", openSegmentMethod},
                                        {"checkpoint", checkpoint},
                                        {"inspectSegment", inspectSegmentMethod}};
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
