#include "core/process/stdin_pipe.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace proctor {
namespace {

absl::Status ClosedError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "STDIN_CLOSED",
                   "write stdin: stdin is closed");
}

absl::Status BusyError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "STDIN_BUSY",
                   "write stdin: another writer holds stdin");
}

}  // namespace

StdinPipe::StdinPipe(EventLoop* loop, UniqueFd fd, std::function<void()> on_change)
    : loop_(loop), piped_(fd), on_change_(std::move(on_change)), fd_(std::move(fd)) {}

StdinPipe::~StdinPipe() {
  if (waiting_) loop_->RemoveWriter(fd_.get());
  if (done_) done_(ClosedError());
}

absl::Status StdinPipe::Claim(const void* writer, bool force) {
  if (writer_ != nullptr && writer_ != writer && !force) return BusyError();
  writer_ = writer;
  return absl::OkStatus();
}

void StdinPipe::Release(const void* writer) {
  if (writer_ == writer) writer_ = nullptr;
}

absl::Status StdinPipe::CheckWrite(const void* writer,
                                   const std::optional<uint64_t>& offset) const {
  if (!piped_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STDIN_NOT_PIPED",
                     "write stdin: the process was started without a stdin pipe");
  }
  if (done_ || (writer_ != nullptr && writer_ != writer)) return BusyError();
  if (offset.has_value() && *offset > taken_) {
    return MakeError(absl::StatusCode::kOutOfRange, "OFFSET_OUT_OF_RANGE",
                     absl::StrCat("write stdin at offset ", *offset, ": only ", taken_,
                                  " bytes were taken so far"),
                     {{"field", "offset"}, {"stdin_bytes", absl::StrCat(taken_)}});
  }
  return absl::OkStatus();
}

void StdinPipe::Write(const void* writer, std::string data, std::optional<uint64_t> offset,
                      bool eof, Done done) {
  if (absl::Status status = CheckWrite(writer, offset); !status.ok()) return done(status);
  const size_t skip = offset.has_value() ? taken_ - *offset : 0;
  if (!open()) {
    // A retry of what was taken before the close is answered as it was then.
    const bool nothing_new = offset.has_value() && skip >= data.size() && eof_ && !broken_;
    return done(nothing_new ? absl::OkStatus() : ClosedError());
  }
  pending_ = std::move(data);
  pending_from_ = std::min(skip, pending_.size());
  eof_ = eof;
  done_ = std::move(done);
  Feed();
}

void StdinPipe::Feed() {
  while (pending_from_ < pending_.size()) {
    const ssize_t count =
        ::write(fd_.get(), pending_.data() + pending_from_, pending_.size() - pending_from_);
    if (count >= 0) {
      pending_from_ += static_cast<size_t>(count);
      taken_ += static_cast<uint64_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      if (waiting_) return;
      const absl::Status added = loop_->AddWriter(fd_.get(), [this] { Feed(); });
      waiting_ = added.ok();
      if (!waiting_) Finish(added);
      return;
    }
    broken_ = true;  // EPIPE: nobody reads any more
    return Finish(ClosedError());
  }
  Finish(absl::OkStatus());
}

// The end of the pending write. The pipe is closed with it after end-of-file or an
// error.
void StdinPipe::Finish(absl::Status status) {
  if (waiting_) loop_->RemoveWriter(fd_.get());
  waiting_ = false;
  if (eof_ || !status.ok()) fd_.Reset();
  pending_.clear();
  pending_.shrink_to_fit();
  Done done = std::exchange(done_, Done());
  if (done) done(status);
  on_change_();
}

void StdinPipe::Close() {
  if (!fd_) return;
  eof_ = true;
  Finish(ClosedError());
}

}  // namespace proctor
