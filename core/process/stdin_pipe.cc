#include "core/process/stdin_pipe.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/spawn/terminal.h"
#include "proctor/error.h"

namespace proctor {
namespace {

absl::Status ClosedError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStdinClosed,
                   "write stdin: stdin is closed");
}

absl::Status BusyError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStdinBusy,
                   "write stdin: another writer holds stdin");
}

}  // namespace

StdinPipe::StdinPipe(EventLoop* loop, Kind kind, UniqueFd fd, std::function<void()> on_change)
    : loop_(loop), kind_(kind), piped_(fd), on_change_(std::move(on_change)), fd_(std::move(fd)) {}

StdinPipe::~StdinPipe() {
  if (waiting_) loop_->RemoveWriter(fd_.get());
  if (done_) done_(ClosedError());
}

absl::Status StdinPipe::Claim(const void* writer, bool force) {
  own_thread_.Check();
  const bool held = writer_ != nullptr && writer_ != writer;
  const bool writing = done_ && pending_writer_ != writer;
  if ((held || writing) && !force) return BusyError();
  writer_ = writer;
  if (writing) {
    eof_ = false;
    Finish(BusyError(), /*close=*/false);
  }
  return absl::OkStatus();
}

void StdinPipe::Release(const void* writer) {
  own_thread_.Check();
  if (writer_ == writer) writer_ = nullptr;
  // The rest of its write has no writer from here on: another one may get the same address.
  if (pending_writer_ == writer) pending_writer_ = nullptr;
}

absl::Status StdinPipe::CheckWrite(const void* writer,
                                   const std::optional<uint64_t>& offset) const {
  if (!piped_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStdinNotPiped,
                     "write stdin: the process was started without a stdin pipe");
  }
  if (done_ || (writer_ != nullptr && writer_ != writer)) return BusyError();
  if (offset.has_value() && *offset > taken_) {
    return MakeError(absl::StatusCode::kOutOfRange, Reason::kOffsetOutOfRange,
                     absl::StrCat("write stdin at offset ", *offset, ": only ", taken_,
                                  " bytes were taken so far"),
                     {{"field", "offset"}, {"stdin_bytes", absl::StrCat(taken_)}});
  }
  return absl::OkStatus();
}

void StdinPipe::Write(const void* writer, std::string data, std::optional<uint64_t> offset,
                      bool eof, Done done) {
  own_thread_.Check();
  if (absl::Status status = CheckWrite(writer, offset); !status.ok()) return done(status);
  const size_t skip = offset.has_value() ? taken_ - *offset : 0;
  if (!open()) {
    // A retry of what was taken before the close is answered as it was then.
    const bool nothing_new = offset.has_value() && skip >= data.size() && eof_ && !broken_;
    return done(nothing_new ? absl::OkStatus() : ClosedError());
  }
  pending_ = std::move(data);
  pending_from_ = std::min(skip, pending_.size());
  pending_writer_ = writer;
  eof_ = eof;
  done_ = std::move(done);
  Feed();
}

// Writes `text` from `*from` on. Returns 0 when all of it is in, else errno.
int StdinPipe::Push(const std::string& text, size_t* from) {
  while (*from < text.size()) {
    const ssize_t count = ::write(fd_.get(), text.data() + *from, text.size() - *from);
    if (count >= 0) {
      *from += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void StdinPipe::Feed() {
  own_thread_.Check();
  const size_t before = pending_from_;
  int error = Push(pending_, &pending_from_);
  taken_ += pending_from_ - before;
  if (pending_from_ > before) {
    const char last = pending_[pending_from_ - 1];
    at_line_start_ = last == '\n' || last == '\r';
  }
  if (error == 0 && eof_ && kind_ == Kind::kTerminal) {
    if (trailer_.empty()) trailer_ = TerminalEof(fd_.get(), at_line_start_);
    error = Push(trailer_, &trailer_from_);
  }
  if (error == 0) return Finish(absl::OkStatus(), /*close=*/eof_);
  if (error != EAGAIN) {
    broken_ = true;  // EPIPE: nobody reads any more
    return Finish(ClosedError(), /*close=*/true);
  }
  if (waiting_) return;
  const absl::Status added = loop_->AddWriter(fd_.get(), [this] { Feed(); });
  waiting_ = added.ok();
  if (!waiting_) Finish(added, /*close=*/true);
}

// The end of the pending write.
void StdinPipe::Finish(absl::Status status, bool close) {
  if (waiting_) loop_->RemoveWriter(fd_.get());
  waiting_ = false;
  if (close) fd_.Reset();
  pending_.clear();
  pending_.shrink_to_fit();
  pending_from_ = 0;
  Done done = std::exchange(done_, Done());
  if (done) done(status);
  on_change_();
}

void StdinPipe::Close() {
  own_thread_.Check();
  if (!fd_) return;
  eof_ = true;
  Finish(ClosedError(), /*close=*/true);
}

std::string StdinPipe::DebugString() const {
  own_thread_.Check();
  if (!piped_) return "not piped";
  return absl::StrCat(!fd_   ? (broken_ ? "closed by the process" : "closed")
                      : eof_ ? "closing"
                             : "open",
                      ", ", taken_, " taken, ", pending_.size() - pending_from_, " wait",
                      writer_ != nullptr ? ", claimed" : "");
}

}  // namespace proctor
