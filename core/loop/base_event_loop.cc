#include "core/loop/base_event_loop.h"

#include <time.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/loop/loop_error.h"
#include "proctor/error.h"

namespace proctor {
namespace {

// A queue that was long once does not keep its memory for ever.
constexpr size_t kMaxIdleCapacity = 1024;

// A timer that is due for longer was not waited for: the loop was busy, or was stopped.
constexpr absl::Duration kLate = absl::Milliseconds(10);

constexpr char kCallSoon[] = "CallSoon";
constexpr char kCallAt[] = "CallAt";
constexpr char kThreadsafe[] = "CallSoonThreadsafe";
constexpr char kReader[] = "reader";
constexpr char kWriter[] = "writer";

// Whether `loop` is the one that runs on this thread.
bool RunsHere(const EventLoop* loop) {
  const auto running = GetRunningLoop();
  return running.ok() && running->get() == loop;
}

}  // namespace

BaseEventLoop::BaseEventLoop() : inbox_([this] { WakeUp(); }) {}

absl::Status BaseEventLoop::CheckUse(const char* operation) const {
  if (debug() && is_running() && !RunsHere(this)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kWrongThread,
                     absl::StrCat(operation, " from a thread that does not run the event loop"));
  }
  CheckThread();
  return closed_ ? LoopClosedError() : absl::OkStatus();
}

// In debug mode a caller is told (asyncio's rule); here it is our own code that is wrong. A loop
// that does not run is its user's to hand on.
void BaseEventLoop::CheckThread() const {
  if (OwnThread::kChecks && is_running()) own_thread_.Check();
}

std::shared_ptr<LoopHandle::State> BaseEventLoop::NewState(const char* operation,
                                                           LoopCallback& callback) {
  auto state = std::make_shared<LoopHandle::State>();
  absl::Status usable = CheckUse(operation);
  if (usable.ok() && callback == nullptr) usable = NoCallbackError();
  if (usable.ok()) {
    state->callback = std::move(callback);
  } else {
    state->cancelled = true;
    ReportError({absl::StrCat(operation, " refused"), usable});
  }
  return state;
}

LoopHandle BaseEventLoop::CallSoon(LoopCallback callback) {
  auto state = NewState(kCallSoon, callback);
  if (!state->cancelled) {
    TakePosted();  // it came before
    ready_.push_back({kCallSoon, state});
  }
  return LoopHandle(std::move(state));
}

absl::Status BaseEventLoop::CallSoonThreadsafe(LoopCallback callback) {
  if (callback == nullptr) return NoCallbackError();
  return inbox_.Post(callback);
}

LoopHandle BaseEventLoop::CallLater(absl::Duration delay, LoopCallback callback) {
  return CallAt(Time() + std::max(delay, absl::ZeroDuration()), std::move(callback));
}

LoopHandle BaseEventLoop::CallAt(absl::Duration when, LoopCallback callback) {
  auto state = NewState(kCallAt, callback);
  if (!state->cancelled) timers_.Add(when, state);
  return LoopHandle(std::move(state));
}

absl::Duration BaseEventLoop::Time() const {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

absl::Status BaseEventLoop::AddReader(int fd, ReadyCallback callback, Trigger trigger) {
  RETURN_IF_ERROR(CheckUse("AddReader"));
  return AddHandler(fd, Direction::kRead, std::move(callback), trigger);
}

bool BaseEventLoop::RemoveReader(int fd) { return RemoveHandler(fd, Direction::kRead); }

absl::Status BaseEventLoop::AddWriter(int fd, ReadyCallback callback) {
  RETURN_IF_ERROR(CheckUse("AddWriter"));
  return AddHandler(fd, Direction::kWrite, std::move(callback), Trigger::kLevel);
}

bool BaseEventLoop::RemoveWriter(int fd) { return RemoveHandler(fd, Direction::kWrite); }

absl::Status BaseEventLoop::AddHandler(int fd, Direction direction, ReadyCallback callback,
                                       Trigger trigger) {
  if (callback == nullptr) return NoCallbackError();
  auto handler = std::make_shared<DescriptorHandler>(fd, direction, std::move(callback));
  const DescriptorTable::Entry before = descriptors_.Get(fd);

  auto with_handler = [&](DescriptorTable::Entry entry) {
    (direction == Direction::kRead ? entry.reader : entry.writer) = handler;
    if (direction == Direction::kRead) entry.trigger = trigger;
    entry.token = descriptors_.NewToken(fd);
    return entry;
  };
  DescriptorTable::Entry after = with_handler(before);
  absl::Status changed = ChangeInterest(fd, after.interest(), before.token, after.token);
  if (absl::IsNotFound(changed)) {
    // The descriptor was closed without being removed, and its number is a new file's:
    // what waited for the old one is not told of the new one.
    after = with_handler({});
    changed = ChangeInterest(fd, after.interest(), DescriptorTable::kNoToken, after.token);
  }
  if (!changed.ok()) return changed;
  descriptors_.Put(fd, after);
  if (before.reader != nullptr && before.reader != after.reader) before.reader->Remove();
  if (before.writer != nullptr && before.writer != after.writer) before.writer->Remove();
  return absl::OkStatus();
}

bool BaseEventLoop::RemoveHandler(int fd, Direction direction) {
  CheckThread();
  DescriptorTable::Entry entry = descriptors_.Get(fd);
  const uint64_t before = entry.token;
  const auto removed =
      std::exchange(direction == Direction::kRead ? entry.reader : entry.writer, nullptr);
  if (removed == nullptr) return false;
  const Interest interest = entry.interest();
  entry.token = interest.any() ? descriptors_.NewToken(fd) : DescriptorTable::kNoToken;
  // It fails only where the descriptor was closed before: nothing is watched then.
  ChangeInterest(fd, interest, before, entry.token).IgnoreError();
  descriptors_.Put(fd, std::move(entry));
  removed->Remove();
  return true;
}

void BaseEventLoop::OnReady(uint64_t token, bool readable, bool writable) {
  const DescriptorTable::Entry* entry = descriptors_.Find(token);
  if (entry == nullptr) return;
  if (readable && entry->reader != nullptr) Enqueue(kReader, entry->reader);
  if (writable && entry->writer != nullptr) Enqueue(kWriter, entry->writer);
}

void BaseEventLoop::Enqueue(const char* origin, const std::shared_ptr<DescriptorHandler>& handler) {
  if (handler->Enqueue()) ready_.push_back({origin, handler});
}

absl::Status BaseEventLoop::RunForever() {
  if (GetRunningLoop().ok() && !RunsHere(this)) {
    return LoopRunningError("another event loop runs on this thread");
  }
  RETURN_IF_ERROR(inbox_.BeginRun());
  own_thread_.Detach();  // from the thread of the run before
  own_thread_.Check();
  const auto self = shared_from_this();  // a callback may let go of the last other one
  {
    RunningLoopMark mark(this);
    do {
      Turn();
    } while (!inbox_.TakeStop());
  }
  OnRunEnd();
  inbox_.EndRun();
  return absl::OkStatus();
}

void BaseEventLoop::Turn() {
  timers_.Prune();
  TakePosted();
  absl::Duration timeout = absl::ZeroDuration();
  if (ready_.empty()) {
    timeout = timers_.NextTime();
    if (timeout != absl::InfiniteDuration()) timeout -= Time();
  }
  if (timeout > absl::ZeroDuration() && inbox_.BeginWait()) {
    WaitForReadiness(timeout);
    inbox_.EndWait();
  } else {
    WaitForReadiness(absl::ZeroDuration());
  }
  const absl::Duration now = Time();
  turn_began_.store(absl::ToInt64Nanoseconds(now), std::memory_order_relaxed);
  if (timers_.NextTime() < now - kLate) WaitForReadiness(absl::ZeroDuration());
  TakePosted();
  if (timers_.size() > 0) {
    timers_.TakeDue(now, [this](std::shared_ptr<LoopHandle::State> state) {
      ready_.push_back({kCallAt, std::move(state)});
    });
  }
  for (size_t left = ready_.size(); left > 0; --left) {
    ReadyCall call = std::move(ready_.front());
    ready_.pop_front();
    Run(std::move(call));
  }
  turn_began_.store(0, std::memory_order_relaxed);
}

absl::Duration BaseEventLoop::TurnTime() const {
  const int64_t began = turn_began_.load(std::memory_order_relaxed);
  return began == 0 ? absl::ZeroDuration() : Time() - absl::Nanoseconds(began);
}

void BaseEventLoop::TakePosted() {
  if (!inbox_.has_posted()) return;
  inbox_.Take(taken_);
  for (LoopCallback& callback : taken_) ready_.push_back({kThreadsafe, std::move(callback)});
  taken_.clear();
  if (taken_.capacity() > kMaxIdleCapacity) taken_ = std::vector<LoopCallback>();
}

void BaseEventLoop::Run(ReadyCall call) {
  const bool timed = debug();
  const absl::Duration start = timed ? Time() : absl::ZeroDuration();
  // As asyncio: a callback that throws ends neither the turn nor the run.
  std::string thrown;
  try {
    CallOut(call);
  } catch (const std::exception& error) {
    thrown = error.what();
    if (thrown.empty()) thrown = "an exception without words";
  } catch (...) {
    thrown = "not a std::exception";
  }
  if (!thrown.empty()) {
    const std::string who = OriginOf(call);
    ReportError({absl::StrCat("a callback of ", who),
                 MakeError(absl::StatusCode::kInternal, Reason::kCallbackThrew,
                           absl::StrCat("it threw: ", thrown), {{"origin", who}})});
  }
  if (timed) ReportIfSlow(call, Time() - start);
}

void BaseEventLoop::CallOut(ReadyCall& call) {
  if (auto* handler = std::get_if<std::shared_ptr<DescriptorHandler>>(&call.callee)) {
    return (*handler)->Run();
  }
  auto* handle = std::get_if<std::shared_ptr<LoopHandle::State>>(&call.callee);
  LoopCallback callback = std::exchange(
      handle != nullptr ? (*handle)->callback : std::get<LoopCallback>(call.callee), nullptr);
  if (callback != nullptr) callback();
}

std::string BaseEventLoop::OriginOf(const ReadyCall& call) {
  std::string who = call.origin;
  if (auto* handler = std::get_if<std::shared_ptr<DescriptorHandler>>(&call.callee)) {
    absl::StrAppend(&who, " of descriptor ", (*handler)->fd());
  }
  return who;
}

void BaseEventLoop::ReportIfSlow(const ReadyCall& call, absl::Duration took) {
  if (took < slow_) return;
  const std::string who = OriginOf(call);
  const std::string duration = absl::FormatDuration(took);
  ReportError(
      {"slow callback", MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kSlowCallback,
                                  absl::StrCat("a callback of ", who, " took ", duration),
                                  {{"origin", who}, {"duration", duration}})});
}

void BaseEventLoop::Stop() { inbox_.Stop(); }

bool BaseEventLoop::is_running() const { return inbox_.is_running(); }

bool BaseEventLoop::is_closed() const { return inbox_.is_closed(); }

absl::Status BaseEventLoop::Close() {
  const auto self = weak_from_this().lock();  // a callback may own the last other one
  std::vector<LoopCallback> posted;
  RETURN_IF_ERROR(inbox_.Close(posted));
  closed_ = true;
  ReleaseWaiting();
  // From here on the ends of callbacks may run code of the user's, which finds a closed
  // loop with nothing in it.
  const std::deque<ReadyCall> ready = std::exchange(ready_, {});
  descriptors_.Clear();
  timers_.Clear();
  for (const ReadyCall& call : ready) {
    auto* handle = std::get_if<std::shared_ptr<LoopHandle::State>>(&call.callee);
    if (handle == nullptr) continue;
    const LoopCallback dropped = std::exchange((*handle)->callback, nullptr);
  }
  return absl::OkStatus();
}

void BaseEventLoop::SetErrorHandler(LoopErrorHandler handler) {
  auto next = handler ? std::make_shared<const LoopErrorHandler>(std::move(handler)) : nullptr;
  absl::MutexLock lock(&error_handler_mutex_);
  error_handler_.swap(next);  // the one before is destroyed by its last user
}

void BaseEventLoop::ReportError(const LoopError& error) {
  std::shared_ptr<const LoopErrorHandler> handler;
  {
    absl::MutexLock lock(&error_handler_mutex_);
    handler = error_handler_;
  }
  if (handler != nullptr) {
    (*handler)(error);
  } else {
    Warn(absl::StrCat(name(), " event loop: ", error.message, ": ", error.status.ToString()));
  }
}

void BaseEventLoop::SetDebug(bool debug, absl::Duration slow) {
  slow_ = slow;
  debug_.store(debug, std::memory_order_relaxed);
}

bool BaseEventLoop::debug() const { return debug_.load(std::memory_order_relaxed); }

std::string BaseEventLoop::DebugString() const {
  const char* life = is_closed() ? "closed" : is_running() ? "running" : "idle";
  return absl::StrCat(name(), " event loop: ", life, debug() ? ", debug" : "",
                      "; ready: ", ready_.size(), "; timers: ", timers_.size(), " (",
                      timers_.cancelled(), " cancelled); descriptors: ", descriptors_.size(),
                      descriptors_.size() > 0 ? ": " : "", descriptors_.DebugString());
}

}  // namespace proctor
