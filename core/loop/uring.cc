#include "core/loop/uring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/const_init.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/check.h"
#include "core/base/return_if_error.h"
#include "core/base/warning.h"
#include "core/loop/loop_error.h"
#include "proctor/error.h"

namespace proctor {

struct Uring::Ring {
  ~Ring() {
    if (made) io_uring_queue_exit(&uring);
  }
  bool made = false;
  io_uring uring{};
};

namespace {

// Room for requests, a system call for each so many, and for completions. More of these
// than that wait in a list of the kernel's.
constexpr unsigned kRequests = 128;
constexpr unsigned kCompletions = 1024;

// Adding centuries overflows the kernel's count of nanoseconds; to wake once a day is no
// harm.
constexpr absl::Duration kMaxWait = absl::Hours(24);

constexpr char kOldKernel[] = "io_uring of this kernel is too old, Linux 5.19 is needed";

absl::Status Unavailable(absl::StatusCode code, std::string_view message) {
  return MakeError(code, Reason::kIoUringUnavailable, message);
}

absl::Status SetupError(int error) {
  switch (error) {
    case ENOSYS:
      return Unavailable(absl::StatusCode::kUnimplemented,
                         "io_uring_setup: this kernel has no io_uring, or a seccomp filter hides "
                         "it (Function not implemented)");
    case EPERM:
    case EACCES:
      return Unavailable(
          absl::StatusCode::kPermissionDenied,
          absl::StrCat("io_uring_setup: io_uring is forbidden here, by kernel.io_uring_disabled or "
                       "by a container's seccomp filter (",
                       ErrnoText(error), ")"));
    case EINVAL:
      return Unavailable(absl::StatusCode::kUnimplemented, kOldKernel);
    default:
      return LoopCreateError("io_uring_setup", error);
  }
}

absl::Status CheckFeatures(io_uring& uring) {
  constexpr unsigned kFeatures = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
  if ((uring.features & kFeatures) != kFeatures) {
    return Unavailable(absl::StatusCode::kUnimplemented, kOldKernel);
  }
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> probe(
      io_uring_get_probe_ring(&uring), &io_uring_free_probe);
  if (probe == nullptr) return Unavailable(absl::StatusCode::kUnimplemented, kOldKernel);
  for (int opcode : {IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL}) {
    if (io_uring_opcode_supported(probe.get(), opcode)) continue;
    return Unavailable(absl::StatusCode::kUnimplemented,
                       absl::StrCat("io_uring of this kernel lacks operation ", opcode));
  }
  return absl::OkStatus();
}

// The end of a call that cannot fail but where memory is short, which the next call may
// find otherwise. EBADR says that for this reason a completion was lost, without which
// something would wait for ever.
void Check(int result) {
  constexpr int kHarmless[] = {0, -ETIME, -EINTR, -EAGAIN, -EBUSY, -ENOMEM};
  if (result > 0 || std::count(std::begin(kHarmless), std::end(kHarmless), result) > 0) return;
  Warn(SystemError("io_uring_enter", -result).ToString());
  std::abort();
}

io_uring_sqe* Next(io_uring& uring, uint64_t id) {
  io_uring_sqe* const sqe = io_uring_get_sqe(&uring);
  PROCTOR_CHECK(sqe != nullptr, "room was made for the request");
  // An operation's own preparation leaves it as it is.
  io_uring_sqe_set_data64(sqe, id);
  return sqe;
}

}  // namespace

absl::Status Uring::Probe() {
  ABSL_CONST_INIT static absl::Mutex mutex(absl::kConstInit);
  static auto* answer = new std::optional<absl::Status>;  // never destroyed
  absl::MutexLock lock(&mutex);
  if (answer->has_value()) return **answer;
  absl::Status status = Create().status();
  if (!absl::IsResourceExhausted(status)) *answer = status;
  return status;
}

absl::StatusOr<std::unique_ptr<Uring>> Uring::Create() {
  auto ring = std::make_unique<Ring>();
  io_uring_params params{};
  params.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_COOP_TASKRUN;
  params.cq_entries = kCompletions;
  if (const int made = io_uring_queue_init_params(kRequests, &ring->uring, &params); made < 0) {
    return SetupError(-made);
  }
  ring->made = true;
  RETURN_IF_ERROR(CheckFeatures(ring->uring));
  return std::unique_ptr<Uring>(new Uring(std::move(ring)));
}

Uring::Uring(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}

Uring::~Uring() = default;

bool Uring::MakeRoom() {
  if (io_uring_sq_space_left(&ring_->uring) > 0) return true;
  Submit();
  return io_uring_sq_space_left(&ring_->uring) > 0;
}

void Uring::Poll(uint64_t id, int fd, uint32_t events, bool repeated) {
  io_uring_sqe* const sqe = Next(ring_->uring, id);
  if (repeated) {
    io_uring_prep_poll_multishot(sqe, fd, events);
  } else {
    io_uring_prep_poll_add(sqe, fd, events);
  }
  ++requests_;
}

// Not IORING_OP_POLL_REMOVE: it leaves a repeated poll in place that is just completing.
void Uring::Cancel(uint64_t id) {
  io_uring_sqe* const sqe = Next(ring_->uring, kNoId);
  io_uring_prep_cancel64(sqe, id, 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void Uring::Submit() { Check(io_uring_submit(&ring_->uring)); }

void Uring::Wait(absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) {
    Check(io_uring_submit_and_get_events(&ring_->uring));
    return;
  }
  const timespec limit = absl::ToTimespec(std::min(timeout, kMaxWait));
  __kernel_timespec kernel_limit{.tv_sec = limit.tv_sec, .tv_nsec = limit.tv_nsec};
  io_uring_cqe* cqe;
  Check(io_uring_submit_and_wait_timeout(
      &ring_->uring, &cqe, 1, timeout == absl::InfiniteDuration() ? nullptr : &kernel_limit,
      nullptr));
}

void Uring::Take(absl::FunctionRef<void(const Completion&)> take) {
  io_uring& uring = ring_->uring;
  do {
    unsigned head;
    unsigned count = 0;
    io_uring_cqe* cqe;
    io_uring_for_each_cqe(&uring, head, cqe) {
      ++count;
      if (cqe->user_data == kNoId) continue;  // a cancel of what had ended
      const bool last = (cqe->flags & IORING_CQE_F_MORE) == 0;
      if (last) --requests_;
      take({.id = cqe->user_data, .result = cqe->res, .last = last});
    }
    io_uring_cq_advance(&uring, count);
    // What found no room comes now, so that none is older than the wait it came in.
  } while (io_uring_cq_has_overflow(&uring) && io_uring_get_events(&uring) >= 0);
}

void Uring::Drain() {
  while (requests_ > 0) {
    // Again after each wait: where there was no room, nothing is cancelled yet.
    if (MakeRoom()) {
      io_uring_prep_cancel64(Next(ring_->uring, kNoId), 0,
                             IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    }
    Wait(absl::InfiniteDuration());
    Take([](const Completion&) {});
  }
}

}  // namespace proctor
