#include "filter/program.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "filter/alike_conditions.hpp"
#include "filter/value_set.hpp"
#include "text/characters.hpp"

namespace vicinal {

namespace {

// A level of a filter becomes at most three nodes (all, any or at-least, not). Filters have at most
// 64 levels (LIMITS.filterDepth).
constexpr int kMaxDepth = 256;
// Cost of decoding a condition, and of a text or number in a list.
constexpr uint64_t kUnitsPerDecoded = 128;
constexpr uint64_t kUnitsPerText = 32;
// Cost of analyzing a character.
constexpr uint64_t kUnitsPerCharacter = 32;

class Decoder {
public:
  Decoder(const uint8_t* bytes, size_t size, uint32_t vectors, const std::vector<TextField>& fields,
          WorkMeter& work)
      : at_(bytes), end_(bytes + size), vectors_(vectors), fields_(fields), work_(work) {}

  bool isAtEnd() const { return at_ == end_; }

  bool node(FilterNode& into, int depth) {
    uint8_t op = 0;
    if (depth > kMaxDepth || !work_.spend(kUnitsPerDecoded) || !value(op)) return false;
    into.op = static_cast<FilterOp>(op);
    switch (into.op) {
    case FilterOp::All: return nodes(into.children, depth) && joinAlike(into.children, true, work_);
    case FilterOp::Any:
      return nodes(into.children, depth) && joinAlike(into.children, false, work_);
    case FilterOp::AtLeast: return value(into.minimum) && nodes(into.children, depth);
    case FilterOp::Not: return child(into, depth);
    case FilterOp::Nested: return path(into.path) && nested(into, depth);
    case FilterOp::Match:
    case FilterOp::Except: return path(into.path) && values(into.values);
    case FilterOp::NumberRange:
    case FilterOp::ValuesCount: return path(into.path) && interval(into.numbers);
    case FilterOp::DateTimeRange: return path(into.path) && interval(into.times);
    case FilterOp::IsEmpty:
    case FilterOp::IsNull:
    case FilterOp::HasNull: return path(into.path);
    case FilterOp::HasId: return ids(into.ids);
    case FilterOp::HasVector: return value(into.vector) && into.vector < vectors_;
    case FilterOp::Contains:
    case FilterOp::StartsWith: return path(into.path) && texts(into.values.texts);
    case FilterOp::InArea: return path(into.path) && area(into.area);
    case FilterOp::HasTokens: return path(into.path) && fullText(into);
    case FilterOp::Slice:
      return value(into.slice.total) && value(into.slice.index) &&
             into.slice.index < into.slice.total;
    }
    return false;
  }

  bool textOptions(TextOptions& into) {
    uint8_t tokenizer = 0, flags = 0, stemmer = 0;
    if (!value(tokenizer) || !value(flags) || !value(stemmer)) return false;
    if (tokenizer > static_cast<uint8_t>(Tokenizer::Multilingual) || flags > 3) return false;
    if (stemmer >= kStemLanguages || !value(into.minLength) || !value(into.maxLength)) return false;
    into.tokenizer = static_cast<Tokenizer>(tokenizer);
    into.isLowerCased = (flags & 1) != 0;
    into.isFolded = (flags & 2) != 0;
    into.stemmer = static_cast<StemLanguage>(stemmer);
    return texts(into.stopwords);
  }

private:
  template <typename T> bool value(T& into) {
    if (left() < sizeof(T)) return false;
    std::memcpy(&into, at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  // Reads the number of items that follow. Each item takes at least `itemBytes`, so an impossible
  // count is refused before anything is allocated.
  bool countOf(uint32_t& count, size_t itemBytes) {
    return value(count) && count <= left() / itemBytes;
  }

  bool child(FilterNode& into, int depth) { return node(into.children.emplace_back(), depth + 1); }

  bool nodes(std::vector<FilterNode>& into, int depth) {
    uint32_t count = 0;
    if (!countOf(count, 1)) return false;
    for (uint32_t i = 0; i < count; i++)
      if (!node(into.emplace_back(), depth + 1)) return false;
    return true;
  }

  bool text(std::string& into) {
    uint32_t bytes = 0;
    if (!countOf(bytes, 1)) return false;
    into.assign(reinterpret_cast<const char*>(at_), bytes);
    at_ += bytes;
    return true;
  }

  bool path(JsonPath& into) {
    uint8_t count = 0;
    if (!value(count) || count == 0 || count > JsonPath::kMaxSteps) return false;
    std::vector<PathStep> steps(count);
    for (PathStep& step : steps) {
      uint8_t kind = 0;
      if (!value(kind) || kind > static_cast<uint8_t>(PathStep::Kind::Index)) return false;
      step.kind = static_cast<PathStep::Kind>(kind);
      if (step.kind == PathStep::Kind::Key && !text(step.key)) return false;
      if (step.kind == PathStep::Kind::Index && !value(step.index)) return false;
    }
    into = JsonPath(std::move(steps));
    return true;
  }

  bool values(MatchValues& into) {
    uint32_t count = 0;
    if (!texts(into.texts) || !countOf(count, sizeof(int64_t))) return false;
    into.integers.resize(count);
    for (int64_t& entry : into.integers)
      if (!value(entry)) return false;
    uint8_t bools = 0;
    if (!value(bools) || bools > 3) return false;
    into.hasFalse = (bools & 1) != 0;
    into.hasTrue = (bools & 2) != 0;
    return makeSet(into.integers, work_);
  }

  bool texts(std::vector<std::string>& into) {
    uint32_t count = 0;
    if (!countOf(count, sizeof(uint32_t))) return false;
    into.resize(count);
    for (std::string& entry : into)
      if (!work_.spend(kUnitsPerText) || !text(entry)) return false;
    return makeSet(into, work_);
  }

  bool position(GeoPoint& into) { return value(into.lon) && value(into.lat) && into.isOnEarth(); }

  bool ring(GeoArea::Ring& into) {
    uint32_t count = 0;
    if (!countOf(count, sizeof(GeoPoint)) || count == 0) return false;
    into.resize(count);
    return std::all_of(into.begin(), into.end(), [&](GeoPoint& point) { return position(point); });
  }

  bool area(std::shared_ptr<const GeoArea>& into) {
    uint8_t shape = 0;
    if (!value(shape)) return false;
    GeoPoint first, second;
    double radiusMetres = 0;
    std::vector<GeoArea::Ring> rings;
    uint32_t count = 0;
    switch (static_cast<GeoArea::Shape>(shape)) {
    case GeoArea::Shape::Box:
      if (!position(first) || !position(second)) return false;
      into =
          std::make_shared<GeoArea>(GeoArea::ofBox({first.lon, first.lat, second.lon, second.lat}));
      return true;
    case GeoArea::Shape::Circle:
      if (!position(first) || !value(radiusMetres) || !(radiusMetres >= 0)) return false;
      into = std::make_shared<GeoArea>(GeoArea::ofCircle(first, radiusMetres));
      return std::isfinite(radiusMetres);
    case GeoArea::Shape::Polygon:
      if (!countOf(count, sizeof(uint32_t)) || count == 0) return false;
      rings.resize(count);
      for (GeoArea::Ring& entry : rings)
        if (!ring(entry)) return false;
      into = std::make_shared<GeoArea>(GeoArea::ofPolygon(std::move(rings)));
      return true;
    }
    return false;
  }

  // Reads conditions on the elements of an array. Their paths continue the array's path.
  bool nested(FilterNode& into, int depth) {
    const size_t above = above_.size();
    const auto& steps = into.path.steps();
    above_.insert(above_.end(), steps.begin(), steps.end());
    if (steps.back().kind != PathStep::Kind::Every)
      above_.push_back({PathStep::Kind::Every, "", 0});
    const bool isWhole = child(into, depth);
    above_.resize(above);
    return isWhole;
  }

  bool fullText(FilterNode& into) {
    uint8_t mode = 0;
    std::string query;
    if (!value(mode) || mode > static_cast<uint8_t>(TextMode::Phrase) || !text(query)) return false;
    const TextOptions* options = optionsFor(into.path);
    if (!work_.spend(query.size() * kUnitsPerCharacter)) return false;
    if (options != nullptr) {
      into.text = std::make_shared<TextQuery>(*options, static_cast<TextMode>(mode), query);
      return true;
    }
    into.op = FilterOp::Contains;
    if (static_cast<TextMode>(mode) == TextMode::Any) {
      splitWords(query, into.values.texts);
      return makeSet(into.values.texts, work_);
    } else {
      into.values.texts.push_back(std::move(query));
    }
    return true;
  }

  const TextOptions* optionsFor(const JsonPath& path) const {
    if (fields_.empty()) return nullptr;
    std::vector<PathStep> steps = above_;
    steps.insert(steps.end(), path.steps().begin(), path.steps().end());
    const auto field = std::find_if(fields_.begin(), fields_.end(), [&](const TextField& known) {
      return known.path.steps() == steps;
    });
    return field == fields_.end() ? nullptr : &field->options;
  }

  static void splitWords(std::string_view text, std::vector<std::string>& into) {
    bool isWithin = false;
    while (!text.empty()) {
      const char* at = text.data();
      const bool isSpace = isWhiteSpace(takeCharacter(text));
      if (!isSpace && !isWithin) into.emplace_back();
      if (!isSpace) into.back().append(at, static_cast<size_t>(text.data() - at));
      isWithin = !isSpace;
    }
  }

  template <typename T> bool interval(Interval<T>& into) {
    uint8_t mask = 0;
    if (!value(mask) || mask > 15) return false;
    for (int bit = 0; bit < 4; bit++) {
      if ((mask >> bit & 1) == 0) continue;
      T bound{};
      if (!value(bound) || bound != bound) return false;
      const bool isOpen = bit == 0 || bit == 2;
      if (bit < 2)
        into.limitAbove(bound, isOpen);
      else
        into.limitBelow(bound, isOpen);
    }
    return true;
  }

  bool ids(std::vector<IdWords>& into) {
    uint32_t count = 0;
    if (!countOf(count, sizeof(IdWords))) return false;
    into.resize(count);
    for (IdWords& id : into)
      if (!value(id)) return false;
    return makeSet(into, work_);
  }

  const uint8_t* at_;
  const uint8_t* const end_;
  const uint32_t vectors_;
  const std::vector<TextField>& fields_;
  WorkMeter& work_;
  // The paths of the enclosing nested conditions.
  std::vector<PathStep> above_;
};

} // namespace

bool MatchValues::containsText(std::string_view text) const {
  return std::binary_search(texts.begin(), texts.end(), text, std::less<>());
}

bool MatchValues::containsInteger(int64_t integer) const {
  return std::binary_search(integers.begin(), integers.end(), integer);
}

Result<TextOptions> decodeTextOptions(const uint8_t* bytes, size_t size) {
  TextOptions options;
  const std::vector<TextField> none;
  WorkMeter work;
  Decoder decoder(bytes, size, 0, none, work);
  if (!decoder.textOptions(options) || !decoder.isAtEnd())
    return Status(Code::InvalidArgument, "text: not the options of a text index");
  return options;
}

Result<FilterProgram> FilterProgram::decode(const uint8_t* bytes, size_t size, uint32_t vectors,
                                            const std::vector<TextField>& fields, WorkMeter& work) {
  FilterProgram program;
  Decoder decoder(bytes, size, vectors, fields, work);
  const bool isWhole = decoder.node(program.root_, 0) && decoder.isAtEnd();
  if (work.isStopped()) return work.status();
  if (!isWhole) return Status(Code::InvalidArgument, "filter: not a filter program");
  return program;
}

} // namespace vicinal
