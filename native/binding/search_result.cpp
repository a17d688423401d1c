#include "binding/search_result.hpp"

#include <cstring>
#include <iterator>

#include "binding/environment.hpp"
#include "binding/results.hpp"

namespace vicinal::binding {

namespace {

napi_value segmentReports(napi_env env, const std::vector<SegmentReport>& reports) {
  napi_value list = makeArray(env, reports.size());
  for (uint32_t at = 0; at < reports.size(); at++) {
    const SegmentReport& report = reports[at];
    ResultObject entry(env);
    entry.number("segment", report.segment);
    entry.number("points", report.points);
    entry.number("linked", report.linked);
    entry.number("tail", report.tail);
    entry.text("strategy", report.strategy);
    entry.text("whyNoWalk", report.whyNoWalk);
    entry.text("codes", nameOf(report.codes));
    entry.number("width", report.width);
    entry.number("reach", report.reach);
    entry.number("plannedDistances", report.plannedDistances);
    entry.number("walkCost", report.walkCost);
    entry.number("scanCost", report.scanCost);
    entry.number("recall", report.recall);
    entry.number("matches", static_cast<double>(report.matches));
    entry.number("trueMatches", static_cast<double>(report.trueMatches));
    entry.number("visited", static_cast<double>(report.visited));
    entry.number("distances", static_cast<double>(report.distances));
    entry.number("rescored", static_cast<double>(report.rescored));
    entry.number("bytes", static_cast<double>(report.bytes));
    entry.number("payloadBytes", static_cast<double>(report.payloadBytes));
    entry.number("tookUs", report.tookUs);
    entry.number("rescoreUs", report.rescoreUs);
    napi_set_element(env, list, at, entry.finish());
  }
  return list;
}

} // namespace

napi_value searchResult(napi_env env, SearchResult& result) {
  ResultObject object(env);
  addRowBlock(env, object, result.rows);
  object.array("scores", result.scores);
  ResultObject stats(env);
  stats.number("visited", static_cast<double>(result.stats.visited));
  stats.number("distances", static_cast<double>(result.stats.distances));
  stats.text("strategy", result.stats.strategy);
  stats.number("bytes", static_cast<double>(result.stats.bytes));
  stats.number("matches", static_cast<double>(result.stats.matches));
  stats.number("recall", result.stats.recall);
  stats.number("tookUs", result.stats.tookUs);
  object.set("stats", stats.finish());
  if (!result.segments.empty()) object.set("segments", segmentReports(env, result.segments));
  return object.finish();
}

// Eight-byte words first, then four-byte words, then bytes, so that all are aligned.
napi_value packedResult(napi_env env, SearchResult& result) {
  const RowBlock& rows = result.rows;
  const SearchStats& stats = result.stats;
  double header[] = {static_cast<double>(rows.count),
                     static_cast<double>(stats.visited),
                     static_cast<double>(stats.distances),
                     static_cast<double>(stats.matches),
                     stats.recall,
                     stats.tookUs,
                     rows.hasPayloads ? static_cast<double>(rows.payloadBytes.size()) : -1,
                     static_cast<double>(stats.strategy.size()),
                     static_cast<double>(stats.bytes),
                     0};
  const struct {
    const void* data;
    size_t bytes;
  } parts[] = {{header, sizeof header},
               {rows.seqs.data(), rows.seqs.bytes()},
               {rows.ids.data(), rows.ids.bytes()},
               {result.scores.data(), result.scores.bytes()},
               {rows.payloadOffsets.data(), rows.payloadOffsets.bytes()},
               {rows.payloadBytes.data(), rows.payloadBytes.bytes()},
               {stats.strategy.data(), stats.strategy.size()}};
  size_t bytes = 0;
  for (const auto& part : parts) bytes += part.bytes;
  const bool isMore = !rows.vectors.empty() || !result.segments.empty();
  if (isMore || bytes > kSmallBytes) return searchResult(env, result);
  // The start of the last part.
  header[std::size(header) - 1] = static_cast<double>(bytes - stats.strategy.size());
  const size_t doubles = (bytes + sizeof(double) - 1) / sizeof(double);
  double* data = nullptr;
  const napi_value packed = Environment::of(env)->slab().take(env, doubles, data);
  if (packed == nullptr) return nullptr;
  char* to = reinterpret_cast<char*>(data);
  for (const auto& part : parts) {
    if (part.bytes > 0) std::memcpy(to, part.data, part.bytes);
    to += part.bytes;
  }
  return packed;
}

} // namespace vicinal::binding
