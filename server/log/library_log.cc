#include "server/log/library_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/log/line_budget.h"

namespace proctor::server {
namespace {

// A place in a library's source; the name is a literal of the library's.
using Place = std::pair<std::string_view, int>;

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);

LineBudget* BudgetOf(const Place& place) ABSL_LOCKS_EXCLUDED(mutex) {
  absl::MutexLock lock(&mutex);
  static auto* budgets = new std::map<Place, LineBudget>;  // never undone: threads outlive main
  return &(*budgets)[place];
}

void Say(spdlog::level::level_enum level, std::string_view library, const Place& place,
         std::string_view text) {
  if (!spdlog::should_log(level)) return;
  const auto untold = BudgetOf(place)->Take(absl::Now());
  if (!untold.has_value()) return;
  const std::string_view file = place.first.substr(place.first.rfind('/') + 1);
  spdlog::log(level, "{} source={}:{}{}: {}", library, file, place.second, UntoldText(*untold),
              text);
}

void OnGrpc(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
                     : args->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                               : spdlog::level::debug;
  Say(level, "grpc", {args->file, args->line}, args->message);
}

void OnProtobuf(google::protobuf::LogLevel severity, const char* file, int line,
                const std::string& message) {
  const auto level = severity == google::protobuf::LOGLEVEL_INFO      ? spdlog::level::info
                     : severity == google::protobuf::LOGLEVEL_WARNING ? spdlog::level::warn
                                                                      : spdlog::level::err;
  Say(level, "protobuf", {file, line}, message);
}

google::protobuf::LogHandler* protobufs_own = nullptr;

}  // namespace

LibraryLog::LibraryLog() {
  ::gpr_log_verbosity_init();  // else gRPC says nothing before it is used
  ::gpr_set_log_function(OnGrpc);
  protobufs_own = google::protobuf::SetLogHandler(OnProtobuf);
}

LibraryLog::~LibraryLog() {
  google::protobuf::SetLogHandler(protobufs_own);
  ::gpr_set_log_function(nullptr);
}

}  // namespace proctor::server
