#include "binding/search_result.hpp"

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
  stats.number("matches", static_cast<double>(result.stats.matches));
  stats.number("recall", result.stats.recall);
  stats.number("tookUs", result.stats.tookUs);
  object.set("stats", stats.finish());
  if (!result.segments.empty()) object.set("segments", segmentReports(env, result.segments));
  return object.finish();
}

} // namespace vicinal::binding
