#include "shard/indexer.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace vicinal {

namespace {

// A slice takes a few milliseconds at any dimension. A checkpoint or closing may have to wait that
// long.
constexpr uint32_t kSliceFloats = 1024;
constexpr uint32_t kMostSliceVertices = 8;

const std::string kClosed = "the shard is closed";
const std::string kClosedBefore = "the shard was closed before its graph had caught up";

uint32_t sliceVertices(uint32_t dim) {
  return std::clamp(kSliceFloats / dim, 1u, kMostSliceVertices);
}

} // namespace

Status Indexer::Waiter::aimAt(Snapshot now) {
  snapshot = std::move(now);
  targets.clear();
  for (const auto& segment : *snapshot.segments) {
    for (size_t vector = 0; vector < segment->vectorCount(); vector++)
      targets.emplace_back(&segment->space(vector), segment->space(vector).vertices());
  }
  return Status::ok();
}

bool Indexer::Waiter::isOutdated(const Snapshot& now) const {
  const SegmentList& current = *now.segments;
  return std::any_of(snapshot.segments->begin(), snapshot.segments->end(),
                     [&](const auto& segment) {
                       return std::find(current.begin(), current.end(), segment) == current.end();
                     });
}

bool Indexer::Waiter::isMet() const {
  return std::all_of(targets.begin(), targets.end(), [](const auto& target) {
    const auto& [space, vertices] = target;
    return space->linked() >= vertices && !space->isCalibrationDue();
  });
}

void Indexer::kickFor(size_t rows) {
  kick(unsigned(std::min<size_t>(rows / kMostSliceVertices, pool_.threads()) + 1));
}

void Indexer::kick(unsigned mostJobs) {
  std::lock_guard lock(mutex_);
  isKicked_ = true;
  (void)startJobs(mostJobs);
}

// Call with the mutex held.
Status Indexer::startJobs(unsigned most) {
  if (isClosed_ || pauses_ > 0 || !isEnabled_) return Status::ok();
  while (jobs_ < std::min(most + occupied_, pool_.threads())) {
    VICINAL_TRY(submitJob());
    jobs_++;
  }
  return Status::ok();
}

Status Indexer::submitJob() {
  return attempt([&] {
    pool_.submit(Lane::Build, [self = shared_from_this()] { self->runJob(); });
    return Status::ok();
  });
}

void Indexer::runJob() {
  {
    std::lock_guard lock(mutex_);
    if (isClosed_ || pauses_ > 0 || !isEnabled_) {
      jobs_--;
      return;
    }
    isKicked_ = false;
    linking_++;
  }
  const Work work = doSliceOrTell();
  bool goesOn = false;
  {
    std::lock_guard lock(mutex_);
    linking_--;
    idle_.notify_all();
    goesOn = (work != Work::None || isKicked_) && !isClosed_ && pauses_ == 0 && isEnabled_;
    if (!goesOn) jobs_--;
    if (work == Work::Much) (void)startJobs(jobs_ - occupied_ + 1);
  }
  callWaiters(Status::ok());
  if (!goesOn) return;
  const Status submitted = submitJob();
  if (submitted) return;
  {
    std::lock_guard lock(mutex_);
    jobs_--;
  }
  callWaiters(submitted);
}

Indexer::Work Indexer::doSliceOrTell() {
  Work work = Work::None;
  const Status status = attempt([&] {
    work = doSlice();
    return Status::ok();
  });
  if (!status) callWaiters(status);
  return work;
}

// Runs long work that links nothing; other jobs link rows that arrive meanwhile.
template <typename Act> auto Indexer::apart(const Act& act) {
  struct Occupied {
    Indexer& self;
    explicit Occupied(Indexer& indexer) : self(indexer) { add(1); }
    ~Occupied() { add(-1); }
    void add(int more) {
      std::lock_guard lock(self.mutex_);
      self.occupied_ += unsigned(more);
    }
  };
  const Occupied occupied(*this);
  return act();
}

std::vector<Indexer::Task> Indexer::vectorsOf(const Snapshot& snapshot) {
  std::vector<Task> tasks;
  for (const auto& segment : *snapshot.segments)
    for (size_t vector = 0; vector < segment->vectorCount(); vector++)
      tasks.push_back({vector, segment->sharedSpace(vector)});
  return tasks;
}

std::vector<Indexer::Task> Indexer::valuesOf(const Snapshot& snapshot) {
  std::vector<Task> tasks;
  for (const auto& segment : *snapshot.segments)
    for (auto& task : segment->valueSpaces().all()) tasks.push_back(std::move(task));
  return tasks;
}

// Value spaces come last: searches work without them, only slower.
Indexer::Work Indexer::doSlice() {
  const Snapshot snapshot = segments_->snapshot();
  if (const auto work = workOn(vectorsOf(snapshot))) return *work;
  if (const auto work = workOn(valuesOf(snapshot))) return *work;
  return apart([&] { return beginValueSpace(snapshot); }) ? Work::Much : Work::None;
}

std::optional<Indexer::Work> Indexer::workOn(const std::vector<Task>& tasks) {
  for (const Task& task : tasks)
    if (const auto work = linkSome(*task.space)) return work;
  return apart([&] { return calibrate(tasks); }) ? std::optional(Work::Some) : std::nullopt;
}

std::optional<Indexer::Work> Indexer::linkSome(VectorSpace& space) {
  if (space.claimRecoding()) {
    const Status status = apart([&] { return space.recode(); });
    if (!status && !space.isAmongOthers()) callWaiters(status);
    kick(); // the other jobs found nothing to claim meanwhile
    return Work::Some;
  }
  auto slice = space.claim(sliceVertices(space.spec().dim));
  if (!slice && space.isAmongOthers()) return std::nullopt;
  if (!slice) {
    callWaiters(slice.status());
    return Work::None;
  }
  if (slice->empty()) return std::nullopt;
  const Status linked = space.link(*slice);
  space.finish(*slice);
  if (!linked) {
    callWaiters(linked);
    return Work::None;
  }
  return slice->to < space.vertices() ? Work::Much : Work::Some;
}

bool Indexer::beginValueSpace(const Snapshot& snapshot) {
  if (!beginsValueSpaces_) return false;
  return std::any_of(snapshot.segments->begin(), snapshot.segments->end(),
                     [](const auto& segment) { return segment->beginValueSpace(); });
}

// One step of calibration; false if there is nothing to measure.
bool Indexer::calibrate(const std::vector<Task>& tasks) {
  std::unique_ptr<CodeChoice> choice = takeChoice(tasks);
  if (!choice) return false;
  bool goesOn = false;
  const Status status = attempt([&] {
    const auto step = choice->step();
    if (!step) return step.status();
    if (!*step) return Status::ok();
    std::lock_guard lock(mutex_);
    choices_.emplace_back();
    choices_.back() = std::move(choice);
    goesOn = true;
    return Status::ok();
  });
  // Errors of reading vectors are ignored here; searches report them.
  if (!status && !goesOn) choice->giveUp();
  return true;
}

std::unique_ptr<CodeChoice> Indexer::takeChoice(const std::vector<Task>& tasks) {
  {
    std::lock_guard lock(mutex_);
    if (!choices_.empty()) {
      auto taken = std::move(choices_.back());
      choices_.pop_back();
      return taken;
    }
  }
  for (const Task& task : tasks) {
    if (!task.space->claimCalibration()) continue;
    try {
      return std::make_unique<CodeChoice>(task.space, liveQueries(task.vector));
    } catch (...) {
      task.space->calibrated(nullptr, nullptr);
      throw;
    }
  }
  return nullptr;
}

std::shared_ptr<const LiveQueries> Indexer::liveQueries(size_t vector) {
  std::lock_guard lock(mutex_);
  return vector < live_.size() ? live_[vector] : nullptr;
}

void Indexer::calibrateAnew(size_t vector, std::shared_ptr<const LiveQueries> live) {
  {
    std::lock_guard lock(mutex_);
    live_.resize(std::max(live_.size(), vector + 1));
    live_[vector] = std::move(live);
  }
  const Snapshot snapshot = segments_->snapshot();
  for (const auto& tasks : {vectorsOf(snapshot), valuesOf(snapshot)})
    for (const Task& task : tasks)
      if (task.vector == vector) task.space->recalibrate();
  kick();
}

bool Indexer::awaitsCalibration(size_t vector) const {
  const Snapshot snapshot = segments_->snapshot();
  return std::any_of(
      snapshot.segments->begin(), snapshot.segments->end(),
      [&](const auto& segment) { return segment->space(vector).awaitsCalibration(); });
}

// Calls waiters that have nothing to wait for any more; after a failure, all of them.
void Indexer::callWaiters(const Status& failure) {
  std::list<Waiter> called;
  Status aimed = failure;
  {
    std::lock_guard lock(mutex_);
    // A job that ends after `close` finds no waiters; the segments may be gone by then.
    if (waiters_.empty()) return;
    const Snapshot now = segments_->snapshot();
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto next = std::next(waiter);
      if (aimed && waiter->isOutdated(now)) aimed = attempt([&] { return waiter->aimAt(now); });
      if (!aimed || waiter->isMet()) called.splice(called.end(), waiters_, waiter);
      waiter = next;
    }
  }
  for (Waiter& waiter : called) waiter.done(aimed);
}

void Indexer::wait(Done done) {
  std::list<Waiter> one;
  one.push_back({std::move(done), {}, {}});
  Status status;
  {
    std::lock_guard lock(mutex_);
    Waiter& waiter = one.front();
    if (isClosed_)
      status = Status::fixed(Code::Closed, kClosed);
    else
      status = attempt([&] { return waiter.aimAt(segments_->snapshot()); });
    if (status && !waiter.isMet()) {
      status = startJobs(pool_.threads());
      // Running jobs also do this work. The kick keeps a job alive that has just failed.
      isKicked_ = true;
      if (status || jobs_ > 0) {
        waiters_.splice(waiters_.end(), one);
        return;
      }
    }
  }
  one.front().done(status);
}

void Indexer::setEnabled(bool enabled) {
  std::lock_guard lock(mutex_);
  isEnabled_ = enabled;
  (void)startJobs(pool_.threads());
}

void Indexer::pause() {
  std::unique_lock lock(mutex_);
  pauses_++;
  idle_.wait(lock, [&] { return linking_ == 0; });
}

void Indexer::resume() {
  std::lock_guard lock(mutex_);
  pauses_--;
  (void)startJobs(pool_.threads());
}

void Indexer::stand() {
  std::unique_lock lock(mutex_);
  isEnabled_ = false;
  idle_.wait(lock, [&] { return linking_ == 0; });
  for (const auto& choice : choices_) choice->putOff();
  choices_.clear();
}

void Indexer::close() {
  {
    std::unique_lock lock(mutex_);
    isClosed_ = true;
    idle_.wait(lock, [&] { return linking_ == 0; });
    // The spaces may continue in another shard.
    for (const auto& choice : choices_) choice->putOff();
    choices_.clear();
  }
  callWaiters(Status::fixed(Code::Closed, kClosedBefore));
}

} // namespace vicinal
