#include "core/output/output_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/time/clock.h"

namespace proctor {
namespace {

// One read takes this much at most, one turn of the loop four times as much: a
// process that writes all the time leaves time for the others.
constexpr size_t kReadSize = 128 * 1024;
constexpr uint64_t kTurnBudget = 4 * kReadSize;

// What is thrown away is read as much at a time, and then not for this time: 5 MiB a second.
constexpr uint64_t kDiscardBudget = 4 * kReadSize;
constexpr absl::Duration kDiscardRest = absl::Milliseconds(100);

// A pipe that was found full is made this large: the default of 64 KiB holds a
// writer of large blocks to a third of its speed.
constexpr size_t kFullPipe = 64 * 1024;
constexpr int kLargePipe = 1024 * 1024;

// What the kernel may hold of a terminal's output: its buffers' bound (TTYB_DEFAULT_MEM_LIMIT,
// 640 KiB of memory) and what is ready to be read (4 KiB), which comes in pieces of that size.
constexpr uint64_t kTerminalBacklog = 644 * 1024;

// The log copies what is read before the next read, on the same thread.
std::array<char, kReadSize>& ReadBuffer() {
  thread_local std::array<char, kReadSize> buffer;
  return buffer;
}

}  // namespace

OutputPipe::OutputPipe(EventLoop* loop, Kind kind, OutputStream stream, UniqueFd fd, OutputLog* log,
                       bool lossless, std::function<void()> on_change)
    : loop_(loop),
      terminal_(kind == Kind::kTerminal),
      stream_(stream),
      log_(log),
      on_change_(std::move(on_change)),
      fd_(std::move(fd)),
      lossless_(lossless) {
  if (fd_) log_->OpenStream(stream_);
}

OutputPipe::~OutputPipe() {
  rest_.Cancel();
  Pause();
}

absl::Status OutputPipe::Start() {
  if (!fd_ || reading_) return absl::OkStatus();
  const absl::Status added = loop_->AddReader(fd_.get(), [this] { OnReadable(); });
  reading_ = added.ok();
  return added;
}

void OutputPipe::Pause() {
  if (reading_) loop_->RemoveReader(fd_.get());
  reading_ = false;
}

void OutputPipe::ReadNow() {
  if (reading_ && Readable()) OnReadable();
}

void OutputPipe::Resume() {
  if (!fd_ || reading_ || rest_.pending() || (lossless_ && log_->Room() == 0)) return;
  const absl::Status started = Start();
  if (!started.ok()) loop_->ReportError({"read the output of a process", started});
}

void OutputPipe::SetLossless(bool lossless) {
  lossless_ = lossless;
  Resume();
}

void OutputPipe::Discard() {
  discarding_ = true;
  SetLossless(false);
}

// Not a timer alone: that would wake this thread for silent writers for ever.
void OutputPipe::OnDiscardable() {
  Read(kDiscardBudget, /*to_end=*/terminal_);
  if (!fd_) return;
  Pause();
  rest_ = loop_->CallLater(kDiscardRest, [this] { Resume(); });
}

void OutputPipe::OnReadable() {
  if (discarding_) return OnDiscardable();
  if (Read(kTurnBudget, /*to_end=*/terminal_)) on_change_();
}

bool OutputPipe::Readable() const {
  pollfd poll = {fd_.get(), POLLIN, 0};
  return ::poll(&poll, 1, 0) == 1;
}

bool OutputPipe::Read(uint64_t budget, bool to_end) {
  bool changed = false;
  while (fd_ && budget > 0) {
    const uint64_t room = lossless_ ? log_->Room() : kReadSize;
    if (room == 0) {
      Pause();
      break;
    }
    auto& buffer = ReadBuffer();
    const size_t wanted = std::min<uint64_t>({room, budget, buffer.size()});
    const ssize_t count = ::read(fd_.get(), buffer.data(), wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      leftover_ = 0;
      break;
    }
    changed = true;
    if (count <= 0) {  // end of file; EIO is a terminal's way to say it
      Close();
      break;
    }
    const size_t size = static_cast<size_t>(count);
    if (!discarding_) Keep(std::string_view(buffer.data(), size));
    leftover_ -= std::min<uint64_t>(leftover_, size);
    budget -= size;
    if (!enlarged_ && size >= kFullPipe) {
      enlarged_ = true;
      ::fcntl(fd_.get(), F_SETPIPE_SZ, kLargePipe);  // refused beyond a quota: then slower
    }
    if (size < wanted && !to_end) break;  // the pipe is empty, most likely
  }
  // With the last byte read nothing would call us to find that there is no more.
  if (terminal_ && leftover_ > 0 && fd_ && reading_ && !Readable()) leftover_ = 0;
  return changed;
}

void OutputPipe::Keep(std::string_view data) {
  const absl::Status appended = log_->Append(stream_, data, absl::Now());
  if (!appended.ok()) loop_->ReportError({"keep the output of a process", appended});
}

void OutputPipe::ReadLeftovers() {
  if (!fd_) return;
  int in_pipe = 0;
  if (terminal_) {
    leftover_ = kTerminalBacklog;
  } else if (::ioctl(fd_.get(), FIONREAD, &in_pipe) == 0) {
    leftover_ = static_cast<uint64_t>(in_pipe);
  }
  // One byte more than there is finds the end of file in the same breath. A master side
  // says EIO once all have closed the other: its end of file.
  Read(leftover_ + 1, /*to_end=*/true);
}

void OutputPipe::HangUp() {
  lossless_ = false;
  ReadLeftovers();
  if (fd_) Close();
}

void OutputPipe::Close() {
  Pause();
  fd_.Reset();
  leftover_ = 0;
  if (!discarding_) log_->AppendEof(stream_);
}

}  // namespace proctor
