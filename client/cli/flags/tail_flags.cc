#include "client/cli/flags/tail_flags.h"

#include <string>

#include "client/cli/flags/flag_accept.h"
#include "client/cli/flags/flag_value.h"

namespace proctor::cli {

void TailFlags::AddTo(FlagSet* flags, char letter) {
  flags->Value(letter, "tail", "LINES", "only so many lines before the end, or all",
               [this](const std::string& text) {
                 all_ = text == "all";
                 lines_.reset();
                 if (all_) return absl::OkStatus();
                 const absl::StatusOr<uint64_t> lines = ParseCount(text);
                 if (lines.ok()) lines_ = *lines;
                 if (lines.ok()) return absl::OkStatus();
                 return absl::InvalidArgumentError(std::string(lines.status().message()) +
                                                   " of lines, or all; --tail-bytes takes a size");
               });
  flags->Value(0, "tail-bytes", "SIZE", "only so many bytes before the end",
               AcceptSize([this](uint64_t size) { bytes_ = size; }));
}

absl::Status TailFlags::Resolve(v1::OutputPosition* from) const {
  if (bytes_.has_value() && (all_ || lines_.has_value())) {
    return absl::InvalidArgumentError("--tail and --tail-bytes exclude each other");
  }
  if (all_) from->mutable_offsets();  // a position, so that output that is not kept is reported
  if (bytes_.has_value()) from->set_tail_bytes(*bytes_);
  if (!lines_.has_value()) return absl::OkStatus();
  if (*lines_ > 0) {
    from->set_tail_lines(*lines_);
  } else {
    from->set_tail_bytes(0);  // the end itself, wherever a last line begins
  }
  return absl::OkStatus();
}

}  // namespace proctor::cli
