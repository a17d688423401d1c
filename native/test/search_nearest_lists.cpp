#include "search/nearest_lists.hpp"

#include "harness.hpp"
#include "search/search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

TEST("lists of nearest rows are those of single searches, and short where rows are few") {
  ThreadPool pool(1);
  Shard shard(testSpec(), pool);
  REQUIRE(shard.upsert(TestBatch(0, 40, 1).columns).isOk());
  const Snapshot snapshot = shard.snapshot();
  const size_t dim = shard.spec().vectors[0].dim;
  NearestListsRequest request;
  request.limit = 50;
  request.recall = 1;
  for (size_t at = 0; at < 3 * dim; at++) request.queries.push_back(float(at % 7) - 3);
  NearestLists lists;
  REQUIRE(nearestLists(snapshot, shard.spec().vectors, request, nullptr, lists).isOk());
  REQUIRE(lists.counts.size() == 3);
  for (size_t query = 0; query < 3; query++) {
    CHECK(lists.counts[query] == 40);
    SearchRequest single;
    single.limit = 50;
    single.recall = 1;
    single.query.assign(request.queries.begin() + query * dim,
                        request.queries.begin() + (query + 1) * dim);
    SearchResult result;
    std::vector<RankedHit> hits;
    REQUIRE(rank(snapshot, shard.spec().vectors, single, nullptr, result, hits).isOk());
    for (size_t at = 0; at < hits.size(); at++) {
      PointId id;
      REQUIRE(decodePointId(&lists.ids[(query * 50 + at) * kIdWords], id));
      CHECK(id == hits[at].id);
      CHECK(lists.scores[query * 50 + at] == hits[at].score);
    }
  }
}

TEST("a cancelled list says so") {
  ThreadPool pool(1);
  Shard shard(testSpec(), pool);
  REQUIRE(shard.upsert(TestBatch(0, 10, 1).columns).isOk());
  CancelFlag cancel;
  cancel.cancel();
  NearestListsRequest request;
  request.queries.assign(shard.spec().vectors[0].dim, 1);
  NearestLists lists;
  CHECK(nearestLists(shard.snapshot(), shard.spec().vectors, request, &cancel, lists).code() ==
        Code::Cancelled);
}
