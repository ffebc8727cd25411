#include "client/cli/gap_report.h"

#include "absl/strings/str_cat.h"
#include "client/cpp/output_ledger.h"

namespace proctor::cli {
namespace {

constexpr absl::Duration kPause = absl::Seconds(1);

}  // namespace

void GapReport::OnMessage(const v1::StreamMessage& message) {
  if (message.has_output_gap()) {
    missing_[message.output_gap().stream()] +=
        message.output_gap().to() - message.output_gap().from();
    return;
  }
  if (missing_.empty()) return;
  if (now_() - told_ >= kPause) return Tell(shown_since_ ? "above" : "here");
  shown_since_ = shown_since_ || message.has_output();
}

void GapReport::Finish() {
  if (!missing_.empty()) Tell(shown_since_ ? "above" : "here");
}

void GapReport::Tell(const std::string& where) {
  std::string text;
  for (const auto& [stream, bytes] : missing_) {
    absl::StrAppend(&text, text.empty() ? "" : " and ", bytes, " bytes of ",
                    client::StreamName(stream));
  }
  say_(absl::StrCat(text, " are missing ", where, ": the server did not keep them"));
  missing_.clear();
  shown_since_ = false;
  told_ = now_();
}

}  // namespace proctor::cli
