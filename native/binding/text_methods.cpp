// Turns texts into sparse vectors, and reads and writes vectors in JSON texts.
#include <new>

#include "binding/analyzers.hpp"
#include "binding/arguments.hpp"
#include "binding/environment.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "text/bm25.hpp"
#include "text/float_json.hpp"
#include "text/vector_json.hpp"

namespace vicinal::binding {

namespace {

struct Texts {
  Span<uint8_t> bytes;
  // One more than texts.
  Span<uint32_t> offsets;
  std::shared_ptr<const TextAnalyzer> analyzer;
  Bm25Weights weights;
  bool isOfDocuments = false;
};

struct Embedded {
  Buffer<uint32_t> offsets;
  Buffer<uint32_t> indices;
  Buffer<float> values;
};

bool readTexts(Arguments& arguments, Texts& texts) {
  const auto options = arguments.typed<uint8_t>(arguments[0], "options");
  texts.bytes = arguments.typed<uint8_t>(arguments[1], "texts");
  texts.offsets = arguments.typed<uint32_t>(arguments[2], "offsets");
  const auto weights = arguments.typedOrNull<double>(arguments[3], "weights");
  if (arguments.failed()) return false;
  texts.analyzer = analyzerOf(options.data, options.length);
  if (!texts.analyzer) {
    arguments.fail("options", "encoded text options");
    return false;
  }
  const Span<uint32_t>& offsets = texts.offsets;
  bool isSound = offsets.length > 0 && offsets.data[0] == 0 &&
                 offsets.data[offsets.length - 1] == texts.bytes.length;
  for (size_t at = 1; isSound && at < offsets.length; at++)
    isSound = offsets.data[at - 1] <= offsets.data[at];
  if (!isSound) {
    arguments.fail("offsets", "ascending offsets of all texts");
    return false;
  }
  texts.isOfDocuments = weights.present();
  if (!texts.isOfDocuments) return true;
  if (weights.length != 3 || !(weights.data[0] >= 0) || !(weights.data[1] >= 0) ||
      !(weights.data[1] <= 1) || !(weights.data[2] > 0)) {
    arguments.fail("weights", "k, b and the average length");
    return false;
  }
  texts.weights = {weights.data[0], weights.data[1], weights.data[2]};
  return true;
}

Status embed(const Texts& texts, Embedded& embedded) {
  const Status noMemory = Status::outOfMemory("texts are taken apart");
  const auto* characters = reinterpret_cast<const char*>(texts.bytes.data);
  if (!embedded.offsets.push(0)) return noMemory;
  for (size_t at = 0; at + 1 < texts.offsets.length; at++) {
    const uint32_t from = texts.offsets.data[at];
    const std::string_view text(characters + from, texts.offsets.data[at + 1] - from);
    const auto weighed =
        weighTokens(*texts.analyzer, text, texts.isOfDocuments ? &texts.weights : nullptr);
    for (const TokenWeight& token : weighed)
      if (!embedded.indices.push(token.id) || !embedded.values.push(token.weight)) return noMemory;
    if (!embedded.offsets.push(static_cast<uint32_t>(embedded.indices.size()))) return noMemory;
  }
  return Status::ok();
}

napi_value resultOf(napi_env env, Embedded& embedded) {
  ResultObject object(env);
  object.array("offsets", embedded.offsets);
  object.array("indices", embedded.indices);
  object.array("values", embedded.values);
  return object.finish();
}

napi_value embedTextsSync(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Texts texts;
  if (!readTexts(arguments, texts)) return nullptr;
  Embedded embedded;
  const Status status = embed(texts, embedded);
  if (status.isOk()) return resultOf(env, embedded);
  throwError(env, status);
  return nullptr;
}

napi_value embedTexts(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto texts = std::make_shared<Texts>();
  if (!readTexts(arguments, *texts)) return nullptr;
  auto embedded = std::make_shared<Embedded>();
  Call call;
  call.pins = {texts->bytes.value, texts->offsets.value};
  call.work = [texts, embedded] { return embed(*texts, *embedded); };
  call.result = [embedded](napi_env live) { return resultOf(live, *embedded); };
  return Environment::of(env)->run(Lane::Insert, std::move(call));
}

struct Lifting {
  Span<uint8_t> json;
  Span<uint8_t> mark;
  LiftedVectors lifted;

  bool read(Arguments& arguments) {
    json = arguments.typed<uint8_t>(arguments[0], "json");
    mark = arguments.typed<uint8_t>(arguments[1], "mark");
    return !arguments.failed();
  }
  Status lift() {
    const auto* text = reinterpret_cast<const char*>(json.data);
    const auto* sign = reinterpret_cast<const char*>(mark.data);
    return liftVectors({text, json.length}, {sign, mark.length}, lifted);
  }
  // Null if there were no vectors.
  napi_value result(napi_env env) {
    if (lifted.ends.empty()) {
      napi_value null = nullptr;
      napi_get_null(env, &null);
      return null;
    }
    ResultObject object(env);
    object.array("text", lifted.text);
    object.array("floats", lifted.floats);
    object.array("ends", lifted.ends);
    return object.finish();
  }
};

napi_value liftVectorsSync(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lifting lifting;
  if (!lifting.read(arguments)) return nullptr;
  const Status status = lifting.lift();
  if (status.isOk()) return lifting.result(env);
  throwError(env, status);
  return nullptr;
}

napi_value liftVectorsAside(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto lifting = std::make_shared<Lifting>();
  if (!lifting->read(arguments)) return nullptr;
  Call call;
  call.pins = {lifting->json.value, lifting->mark.value};
  call.work = [lifting] { return lifting->lift(); };
  call.result = [lifting](napi_env live) { return lifting->result(live); };
  return Environment::of(env)->run(Lane::Insert, std::move(call));
}

napi_value floatsJson(napi_env env, napi_callback_info info) {
  // Most vectors fit into this buffer.
  constexpr size_t kAtHand = 1024;
  char atHand[kAtHand * kMostFloatLetters];
  Arguments arguments(env, info);
  const auto values = arguments.typed<float>(arguments[0], "values");
  if (arguments.failed()) return nullptr;
  std::unique_ptr<char[]> larger;
  if (values.length > kAtHand) {
    larger.reset(new (std::nothrow) char[values.length * kMostFloatLetters]);
    if (!larger) {
      throwError(env, codeName(Code::Overloaded), "out of memory while vectors are written");
      return nullptr;
    }
  }
  char* const letters = larger ? larger.get() : atHand;
  const size_t length = writeFloats(values.data, values.length, letters);
  napi_value text = nullptr;
  napi_create_string_latin1(env, letters, length, &text);
  return text;
}

} // namespace

void defineTextMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"embedTextsSync", embedTextsSync},   {"embedTexts", embedTexts},
      {"liftVectorsSync", liftVectorsSync}, {"liftVectors", liftVectorsAside},
      {"floatsJson", floatsJson},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
