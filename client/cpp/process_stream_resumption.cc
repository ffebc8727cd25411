// How a ProcessStream goes on after a loss.
#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/cpp/output_ledger.h"
#include "client/cpp/process_wire.h"
#include "client/cpp/stdin_backlog.h"
#include "proctor/client/process_stream.h"
#include "proctor/client/stubs.h"

namespace proctor::client {

bool ProcessStream::CanResume() {
  if (!resumption_.has_value() || !heard_ || outcome_.stopped_by_sink ||
      outcome_.drained.has_value()) {
    return false;
  }
  absl::MutexLock lock(&mutex_);
  return !cancelled_ && !half_closed_;
}

bool ProcessStream::Resume() {
  bool writes;
  {
    absl::MutexLock lock(&mutex_);
    writes = stdin_sent_ > 0 || close_sent_;
  }
  std::shared_ptr<ProcessWire> next = resumption_->open(Position(), writes);
  {
    absl::MutexLock lock(&mutex_);
    if (cancelled_) return false;
    wire_ = next;
  }
  resumed_ = true;
  next->Start();  // if this fails, so does the next Read
  return true;
}

// The position of a stream is unknown when nothing of it came. It is then early rather than late:
// what comes was not shown before. When it was to begin some lines before the end, only the time of
// the first byte that came says where that was.
v1::OutputPosition ProcessStream::Position() const {
  const auto stdout_next = ledger_->position(v1::STREAM_STDOUT);
  const auto stderr_next = ledger_->position(v1::STREAM_STDERR);
  const v1::OutputPosition& from = resumption_->from;
  const bool from_tail = from.position_case() == v1::OutputPosition::kTailBytes;
  if (!stdout_next.has_value() && !stderr_next.has_value() && !from_tail) return from;
  const auto begin = [&](uint64_t total) {
    return from_tail ? total - std::min(total, from.tail_bytes()) : 0;
  };
  v1::OutputPosition position;
  position.mutable_offsets()->set_stdout_offset(stdout_next.value_or(begin(first_totals_[0])));
  position.mutable_offsets()->set_stderr_offset(stderr_next.value_or(begin(first_totals_[1])));
  if (from.has_since()) *position.mutable_since() = from.since();
  if (from.position_case() == v1::OutputPosition::kTailLines && first_time_.has_value()) {
    *position.mutable_since() = *first_time_;
  }
  return position;
}

void ProcessStream::SendBacklog() {
  std::deque<std::string> chunks;
  uint64_t position;
  bool close;
  {
    absl::MutexLock lock(&mutex_);
    chunks = backlog_->chunks();
    position = stdin_base_.value_or(0) + backlog_->begin();
    close = close_sent_;
  }
  bool sent = true;
  for (size_t i = 0; i < chunks.size() && sent; ++i) {
    v1::StreamInput input;
    const size_t size = chunks[i].size();
    input.mutable_stdin()->set_offset(position);
    *input.mutable_stdin()->mutable_data() = std::move(chunks[i]);
    sent = WriteWire(&input);
    position += size;
  }
  if (sent && close) {
    v1::StreamInput input;
    input.set_close_stdin(true);
    WriteWire(&input);
  }
  EndWriting();
}

void ProcessStream::AskForEnd() {
  if (outcome_.exit_status.has_value() || !outcome_.process.has_value()) return;
  v1::GetProcessRequest request;
  request.set_process_id(outcome_.process->process_id());
  v1::GetProcessResponse response;
  grpc::ClientContext context;
  context.set_deadline(DeadlineBeside());
  if (!stubs_->processes->GetProcess(&context, request, &response).ok()) return;
  if (response.process().has_exit_status()) {
    outcome_.exit_status = response.process().exit_status();
  }
}

}  // namespace proctor::client
