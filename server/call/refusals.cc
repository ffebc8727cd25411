#include "server/call/refusals.h"

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/command/excerpt.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proctor/reason.h"

namespace proctor::server {
namespace {

using Level = spdlog::level::level_enum;

// Empty where the status has none, as one of gRPC's own.
google::rpc::ErrorInfo InfoIn(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (details.ParseFromString(status.error_details()) && details.details_size() > 0) {
    (void)details.details(0).UnpackTo(&info);  // there is no other kind
  }
  return info;
}

Level LevelOf(grpc::StatusCode code, std::string_view reason) {
  if (reason == ReasonName(Reason::kWaitTimeout)) return Level::debug;
  if (reason == ReasonName(Reason::kServerDraining) || reason == ReasonName(Reason::kLogChanged)) {
    return Level::info;
  }
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNIMPLEMENTED:
      return Level::info;
    default:
      return Level::warn;
  }
}

// The ids that an error is about, so that a line can be found by them.
std::string IdsIn(const google::rpc::ErrorInfo& info) {
  std::string ids;
  for (const char* key : {"session_id", "process_id"}) {
    const auto found = info.metadata().find(key);
    if (found != info.metadata().end()) {
      absl::StrAppend(&ids, " ", key, "=\"", Excerpt(found->second), "\"");
    }
  }
  return ids;
}

// Text for between double quotes, where a single one is as good as any character.
std::string Quotable(std::string_view text) {
  return absl::StrReplaceAll(Excerpt(text), {{"\\'", "'"}});
}

// The codes of both are the same numbers.
std::string WordOf(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace

Refusals& Refusals::Get() {
  static auto* const refusals = new Refusals;  // never undone: threads outlive main
  return *refusals;
}

void Refusals::Note(const char* rpc, const grpc::Status& status,
                    const std::function<std::string()>& caller) {
  const grpc::StatusCode code = status.error_code();
  if (status.ok() || code == grpc::StatusCode::CANCELLED) return;
  if (!spdlog::should_log(Level::warn)) return;
  const google::rpc::ErrorInfo info = InfoIn(status);
  const Level level = LevelOf(code, info.reason());
  if (!spdlog::should_log(level)) return;
  uint64_t untold = 0;
  if (!spdlog::should_log(Level::debug)) {  // which has all lines
    const auto index = static_cast<size_t>(code);
    const auto taken = budgets_[index < kCodes ? index : kUnknown].Take(clock_());
    if (!taken.has_value()) return;
    untold = *taken;
  }
  spdlog::log(level, "call refused rpc={} code={} reason={}{} by=\"{}\" message=\"{}\"{}", rpc,
              WordOf(code), info.reason(), IdsIn(info), Quotable(caller()),
              Quotable(status.error_message()), UntoldText(untold));
}

void Refusals::TellUntold() {
  for (size_t i = 0; i < kCodes; ++i) {
    const uint64_t untold = budgets_[i].TakeUntold();
    if (untold == 0) continue;
    spdlog::info("calls without a line code={} count={}", WordOf(static_cast<grpc::StatusCode>(i)),
                 untold);
  }
}

}  // namespace proctor::server
