// The recall meter alone: its remembered queries, its requests for calibrations, and their effects.
#include "search/recall_meter.hpp"

#include <cmath>
#include <string>

#include "harness.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

// Queries of callers, and a clock.
struct MeterFixture {
  SearchRequest request(float value, float recall) const {
    SearchRequest request;
    request.query.assign(dim, value);
    request.recall = recall;
    return request;
  }

  // Remembers `count` queries; every component of their vectors is `value`.
  void remember(size_t count, float value, float recall = 0.9f) {
    for (size_t at = 0; at < count * RecallMeter::kOneIn; at++) meter.note(request(value, recall));
  }

  // Measures `count` queries; every other one got `spread` more, the others as much less.
  void measure(size_t count, double got, float value = 1, float recall = 0.9f,
               double spread = 0.05) {
    for (size_t at = 0; at < count; at++) {
      remember(1, value, recall);
      const auto query = meter.take(0);
      REQUIRE(query.has_value());
      meter.learn(*query, got + (at % 2 == 0 ? spread : -spread), isByPlan);
    }
  }

  RecallMeter meter;
  uint32_t dim = 4;
  bool isByPlan = true;
};

} // namespace

SOLO_TEST("the meter remembers one of four queries that ask for recall and nothing else") {
  MeterFixture fixture;
  for (int at = 0; at < 40; at++) fixture.meter.note(fixture.request(1, 0.9f));
  CHECK_EQUAL(fixture.meter.reading().waiting, 10u);
  const auto refuses = [&](auto change) {
    SearchRequest request = fixture.request(1, 0.9f);
    change(request);
    for (int at = 0; at < 8; at++) fixture.meter.note(request);
  };
  refuses([](SearchRequest& request) { request.ef = 16; });
  refuses([](SearchRequest& request) { request.isExact = true; });
  refuses([](SearchRequest& request) { request.recall = 1; });
  refuses([](SearchRequest& request) { request.offset = 1; });
  refuses([](SearchRequest& request) { request.limit = 0; });
  refuses([](SearchRequest& request) { request.hasThreshold = true; });
  refuses([](SearchRequest& request) { request.ignoresCodes = true; });
  refuses([](SearchRequest& request) { request.rescores = false; });
  refuses([](SearchRequest& request) { request.oversampling = 2; });
  refuses([](SearchRequest& request) { request.exclude = {PointId::number(1)}; });
  CHECK_EQUAL(fixture.meter.reading().waiting, 10u);
}

SOLO_TEST("queries with and without a filter are measured in turn and counted separately") {
  MeterFixture fixture;
  const auto note = [&](size_t bytes) {
    SearchRequest request = fixture.request(2, 0.8f);
    request.filter.emplace(bytes, uint8_t(7));
    for (uint32_t at = 0; at < RecallMeter::kOneIn; at++) fixture.meter.note(request);
  };
  fixture.remember(2, 1);
  for (int at = 0; at < 3; at++) note(10);
  note(RecallMeter::kMostFilterBytes + 1);
  CHECK_EQUAL(fixture.meter.reading().waiting, 5u);
  std::string order;
  while (const auto query = fixture.meter.take(0)) {
    order += query->filter ? 'f' : '-';
    CHECK_EQUAL(query->filter ? query->filter->size() : 0, query->filter ? 10u : 0u);
    fixture.meter.learn(*query, query->filter ? 0.5 : 0.9, true);
  }
  CHECK_EQUAL(order, std::string("f-f-f"));
  const RecallMeter::Reading reading = fixture.meter.reading();
  CHECK_EQUAL(reading.queries, 2u);
  CHECK(std::abs(reading.recall - 0.9) < 1e-6 && std::abs(reading.asked - 0.9) < 1e-6);
  CHECK_EQUAL(reading.filtered.queries, 3u);
  CHECK(std::abs(reading.filtered.recall - 0.5) < 1e-6);
  CHECK(std::abs(reading.filtered.asked - 0.8) < 1e-6);
}

SOLO_TEST("losses of queries with a filter raise only their own effort and start no calibration") {
  MeterFixture fixture;
  for (int at = 0; at < 200; at++) {
    SearchRequest request = fixture.request(2, 0.9f);
    request.filter.emplace(4, uint8_t(7));
    for (uint32_t each = 0; each < RecallMeter::kOneIn; each++) fixture.meter.note(request);
    const auto query = fixture.meter.take(0);
    REQUIRE(query.has_value());
    fixture.meter.learn(*query, 0.7, true);
  }
  CHECK(fixture.meter.lossShare(true) < 0.5f);
  CHECK(fixture.meter.lossShare(false) == 1);
  CHECK(!fixture.meter.reading().isSettling);
  CHECK(fixture.meter.samples(1e6) == nullptr);
  // After a new calibration the loss share stays 1 until enough queries were measured.
  fixture.meter.adopted(0);
  CHECK(fixture.meter.lossShare(true) == 1);
}

SOLO_TEST("after a slow query with a filter, such queries are not measured for a while") {
  MeterFixture fixture;
  fixture.remember(2, 1);
  SearchRequest request = fixture.request(2, 0.8f);
  request.filter.emplace(4, uint8_t(7));
  for (uint32_t at = 0; at < 2 * RecallMeter::kOneIn; at++) fixture.meter.note(request);
  fixture.meter.restFiltered(100, 1000);
  CHECK(!fixture.meter.isResting(1001));
  // Other queries are measured as before.
  for (int at = 0; at < 2; at++) CHECK(!fixture.meter.take(2999)->filter);
  CHECK(!fixture.meter.take(2999).has_value());
  CHECK(fixture.meter.take(3001)->filter.has_value());
  fixture.meter.restFiltered(1e9, 0);
  CHECK(fixture.meter.take(RecallMeter::kMostRestMs + 1)->filter.has_value());
}

SOLO_TEST("searches are planned for a safe recall until live queries were measured") {
  MeterFixture fixture;
  const auto planned = [&](float recall) {
    SearchRequest request = fixture.request(1, recall);
    fixture.meter.adjust(request);
    return request.leastRecall;
  };
  fixture.measure(RecallMeter::kShortWindow - 1, 0.9);
  CHECK_EQUAL(planned(0.5f), RecallMeter::kSafeRecall);
  fixture.measure(1, 0.9);
  CHECK_EQUAL(planned(0.5f), 0.0f);
  // The measured queries still count.
  fixture.meter.adopted(0);
  CHECK_EQUAL(planned(0.5f), 0.0f);
}

SOLO_TEST("the next meter resumes kept queries and refuses invalid ones") {
  MeterFixture fixture;
  for (size_t at = 0; at < RecallMeter::kReservoir + 20; at++)
    fixture.remember(1, float(at), 0.25f + 0.5f * float(at % 2));
  const std::vector<float> kept = fixture.meter.kept();
  const size_t each = RecallMeter::kKeptBeside + fixture.dim;
  REQUIRE(kept.size() == RecallMeter::kReservoir * each);
  CHECK_EQUAL(kept[RecallMeter::kKeptBeside], 20.0f);
  MeterFixture next;
  CHECK(next.meter.resume(kept.data(), kept.size(), fixture.dim));
  CHECK(next.meter.kept() == kept);
  const auto latest = next.meter.take(0);
  REQUIRE(latest.has_value());
  CHECK_EQUAL(latest->vector[0], float(RecallMeter::kReservoir + 19));
  CHECK_EQUAL(latest->recall, 0.75f);
  CHECK_EQUAL(latest->limit, fixture.request(1, 0.5f).limit);

  MeterFixture other;
  const auto refuses = [&](const auto& change) {
    std::vector<float> changed = kept;
    change(changed);
    CHECK(!other.meter.resume(changed.data(), changed.size(), other.dim));
  };
  refuses([](std::vector<float>& all) { all.pop_back(); });
  refuses([](std::vector<float>& all) { all[0] = 0; });
  refuses([](std::vector<float>& all) { all[0] = 1e30f; });
  refuses([](std::vector<float>& all) { all[1] = 1; });
  refuses([](std::vector<float>& all) { all[1] = NAN; });
  refuses([](std::vector<float>& all) { all[3] = INFINITY; });
  refuses([&](std::vector<float>& all) { all.resize(all.size() + each, 0.5f); });
  CHECK(other.meter.kept().empty());
}

SOLO_TEST("the latest queries are measured first, and old ones never") {
  MeterFixture fixture;
  for (float value = 0; value < 100; value++) fixture.remember(1, value);
  CHECK_EQUAL(fixture.meter.reading().waiting, 64u);
  float expected = 99;
  while (const auto query = fixture.meter.take(0)) CHECK(query->vector[0] == expected--);
  CHECK(expected == 35);
  fixture.remember(1, 7);
  CHECK(fixture.meter.take(0)->vector[0] == 7);
  CHECK(!fixture.meter.take(0).has_value());
}

SOLO_TEST("what the meter remembers is bounded in number and in bytes") {
  MeterFixture fixture;
  fixture.remember(2000, 1);
  const uint64_t few = fixture.meter.bytes();
  fixture.remember(2000, 1);
  CHECK_EQUAL(fixture.meter.bytes(), few);
  MeterFixture wide;
  wide.dim = 4096;
  wide.remember(1000, 1);
  CHECK(wide.meter.bytes() < RecallMeter::kReservoirBytes + (64 << 10));
}

SOLO_TEST("queries that get about their requested recall start no calibration") {
  for (const double got : {0.897, 0.9, 0.92}) {
    MeterFixture fixture;
    fixture.measure(1000, got);
    CHECK(!fixture.meter.reading().isSettling);
    CHECK(fixture.meter.samples(1e6) == nullptr);
  }
}

SOLO_TEST("a great loss is detected within 64 queries, a small one within 256") {
  MeterFixture great;
  great.measure(RecallMeter::kShortWindow - 1, 0.8);
  CHECK(!great.meter.reading().isSettling);
  great.measure(1, 0.8);
  CHECK(great.meter.reading().isSettling);
  MeterFixture small;
  // In 64 queries the difference is two errors, too few for a check that is made so often.
  small.measure(RecallMeter::kWindow - 1, 0.8875);
  CHECK(!small.meter.reading().isSettling);
  small.measure(1, 0.8875);
  CHECK(small.meter.reading().isSettling);
}

SOLO_TEST("the loss share falls at once") {
  MeterFixture fixture;
  fixture.measure(48, 0.8);
  CHECK(std::abs(fixture.meter.lossShare(false) - 0.75) < 0.01);
  fixture.measure(48, 0.8);
  CHECK(fixture.meter.lossShare(false) < 0.6);
}

SOLO_TEST("recall far above the requested one is detected too, unless a scan found everything") {
  MeterFixture fixture;
  fixture.measure(RecallMeter::kWindow, 0.95);
  CHECK(fixture.meter.reading().isSettling);
  MeterFixture scanned;
  scanned.isByPlan = false;
  scanned.measure(1000, 0.95);
  CHECK(!scanned.meter.reading().isSettling);
}

SOLO_TEST("a calibration gets only queries of the new kind, once there are enough") {
  MeterFixture fixture;
  fixture.measure(1000, 0.9, 1);
  fixture.measure(RecallMeter::kShortWindow, 0.7, 2);
  REQUIRE(fixture.meter.reading().isSettling);
  CHECK(fixture.meter.samples(100) == nullptr);
  fixture.remember(RecallMeter::kReservoir, 2);
  const auto live = fixture.meter.samples(200);
  REQUIRE(live != nullptr);
  CHECK_EQUAL(live->vectors.size(), RecallMeter::kReservoir);
  for (const std::vector<float>& vector : live->vectors)
    CHECK(vector == std::vector<float>(fixture.dim, 2));
  // The samples are given once.
  CHECK(fixture.meter.isCalibrating());
  CHECK(fixture.meter.samples(1e6) == nullptr);
}

SOLO_TEST("with rare queries, the calibration starts with few of them after a while") {
  MeterFixture fixture;
  fixture.measure(RecallMeter::kShortWindow, 0.7);
  CHECK(fixture.meter.samples(1000) == nullptr);
  CHECK(fixture.meter.samples(20'000) == nullptr);
  const auto live = fixture.meter.samples(21'001);
  REQUIRE(live != nullptr);
  CHECK_EQUAL(live->vectors.size(), RecallMeter::kShortWindow);
}

SOLO_TEST("an adopted calibration resets the loss share, the measurements and the request") {
  MeterFixture fixture;
  fixture.measure(RecallMeter::kWindow, 0.7);
  fixture.remember(RecallMeter::kReservoir, 1);
  REQUIRE(fixture.meter.samples(0) != nullptr);
  CHECK(fixture.meter.lossShare(false) < 0.6f);
  fixture.meter.adopted(10);
  CHECK(fixture.meter.lossShare(false) == 1);
  CHECK(!fixture.meter.isCalibrating());
  CHECK(!fixture.meter.reading().isSettling);
  // Earlier measurements do not count.
  fixture.measure(RecallMeter::kShortWindow - 1, 0.9);
  CHECK(!fixture.meter.reading().isSettling);
  CHECK(fixture.meter.lossShare(false) > 0.95f);
}

SOLO_TEST(
    "pauses double if calibrating does not help, grow with the work, and reset after quiet times") {
  MeterFixture fixture;
  double nowMs = 0;
  // The recall drops at once, and calibration starts as soon as the meter allows. Returns how long
  // that took.
  const auto calibrateAgain = [&](double workMs) {
    fixture.measure(RecallMeter::kShortWindow, 0.7);
    fixture.remember(RecallMeter::kReservoir, 1);
    const double from = nowMs;
    while (fixture.meter.samples(nowMs) == nullptr) nowMs += 500;
    const double waited = nowMs - from;
    nowMs += workMs;
    fixture.meter.adopted(nowMs);
    return waited;
  };
  CHECK(calibrateAgain(100) == 0);
  CHECK(calibrateAgain(100) == 5'000);
  CHECK(calibrateAgain(100) == 10'000);
  CHECK(calibrateAgain(2'000) == 20'000);
  CHECK(calibrateAgain(100) == 40'000);
  nowMs += 1e6;
  CHECK(calibrateAgain(100) == 0);
  CHECK(calibrateAgain(100) == 5'000);
  for (int at = 0; at < 20; at++) calibrateAgain(100);
  CHECK(calibrateAgain(100) == RecallMeter::kMostPauseMs);
}

SOLO_TEST(
    "a meter rests after waiting for a core, in proportion to the wait and a minute at most") {
  RecallMeter meter;
  CHECK(!meter.isResting(0));
  meter.restAfter(25, 20, 1000);
  CHECK(!meter.isResting(1000));
  // Ran for 10 ms and waited for 100 ms.
  meter.restAfter(110, 10, 2000);
  CHECK(meter.isResting(2000));
  CHECK(meter.isResting(2000 + 1599));
  CHECK(!meter.isResting(2000 + 1600));
  meter.restAfter(1e9, 10, 5000);
  CHECK(meter.isResting(5000 + RecallMeter::kMostRestMs - 1));
  CHECK(!meter.isResting(5000 + RecallMeter::kMostRestMs));
  // One query ran for a second.
  meter.restAfter(1000, 1000, 66'000);
  CHECK(meter.isResting(66'000 + 20 * 975 - 1));
  CHECK(!meter.isResting(66'000 + 20 * 975));
  // The thread's clock may be ahead of the other clock.
  meter.restAfter(10, 11, 90'000);
  CHECK(!meter.isResting(90'000));
}
