#include "base/work_meter.hpp"

#include "test/harness.hpp"

using namespace vicinal;

SOLO_TEST("work goes on until its flag is seen set, and no further") {
  CancelFlag cancel;
  WorkMeter work(&cancel);
  for (int step = 0; step < 10; step++) CHECK(work.spend(WorkMeter::kUnitsBetweenLooks));
  cancel.cancel();
  uint64_t units = 0;
  while (work.spend(1000)) units += 1000;
  CHECK(units <= WorkMeter::kUnitsBetweenLooks);
  CHECK(work.isStopped());
  CHECK(!work.spend(0));
  CHECK(work.status().code() == Code::Cancelled);
}

SOLO_TEST("a very large step is followed by a look at the flag") {
  CancelFlag cancel;
  cancel.cancel();
  WorkMeter work(&cancel);
  CHECK(!work.spend(UINT64_MAX));
  CHECK(WorkMeter(&cancel).look().code() == Code::Cancelled);
}

SOLO_TEST("work without a flag never stops") {
  WorkMeter work;
  for (int step = 0; step < 10; step++) CHECK(work.spend(UINT64_MAX));
  CHECK(work.look().isOk());
}
