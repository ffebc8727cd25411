#include "client/cli/print/gap_report.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/cpp/output_ledger.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kPause = absl::Seconds(1);

}  // namespace

GapReport::~GapReport() {
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
  }
  if (listener_.joinable()) listener_.join();
}

void GapReport::OnMessage(const v1::StreamMessage& message) {
  absl::MutexLock lock(&mutex_);
  ++messages_;
  if (message.has_output_gap()) {
    missing_[message.output_gap().stream()] +=
        message.output_gap().to() - message.output_gap().from();
    if (!listener_.joinable()) BeginToListen();
    return;
  }
  if (missing_.empty()) return;
  if (now_() - told_ >= kPause) return Tell();
  shown_since_ = shown_since_ || message.has_output();
}

void GapReport::Finish() {
  absl::MutexLock lock(&mutex_);
  if (!missing_.empty()) Tell();
}

void GapReport::BeginToListen() {
  try {
    listener_ = std::thread([this] { Listen(); });
  } catch (const std::system_error&) {
    // There can be no thread: the next message reports it.
    listener_ = std::thread();
  }
}

void GapReport::Listen() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.Await(absl::Condition(this, &GapReport::HasWork));
    heard_ = messages_;
    // It looks once in a while: a wake for each message would slow a flood down.
    if (mutex_.AwaitWithTimeout(absl::Condition(&over_), silence_)) return;
    if (messages_ == heard_ && !missing_.empty()) Tell();
  }
}

void GapReport::Tell() {
  std::string text;
  for (const auto& [stream, bytes] : missing_) {
    absl::StrAppend(&text, text.empty() ? "" : " and ", bytes, " bytes of ",
                    client::StreamName(stream));
  }
  say_(absl::StrCat(text, " are missing ", shown_since_ ? "above" : "here",
                    ": the server did not keep them"));
  missing_.clear();
  shown_since_ = false;
  told_ = now_();
}

}  // namespace proctor::cli
