#include "client/cli/print/lost_process.h"

#include "absl/strings/str_cat.h"

namespace proctor::cli {
namespace {

constexpr char kLost[] = "SERVER_LOST";
constexpr char kLostAtStart[] = "SERVER_LOST_AT_START";

std::string FateText(const v1::Process& process) {
  if (process.survivors() == 1) {
    return absl::StrCat("1 process runs on in its control group (its pid was ", process.pid(), ")");
  }
  if (process.survivors() > 1) {
    return absl::StrCat(process.survivors(), " processes run on in its control group (its pid was ",
                        process.pid(), ")");
  }
  if (process.tree_empty()) return "nothing of it runs any more";
  if (process.pid() == 0) return "it may have run, and may run on";
  return absl::StrCat("it may run on as pid ", process.pid());
}

}  // namespace

bool IsLost(const v1::Process& process) {
  const std::string& reason = process.exit_status().unknown().reason();
  return reason == kLost || reason == kLostAtStart;
}

bool MayRunOn(const v1::Process& process) {
  return process.survivors() > 0 || (IsLost(process) && !process.tree_empty());
}

std::string KeptText(size_t count, const std::string& how) {
  if (count == 0) return "";
  return absl::StrCat(
      count,
      count == 1 ? " process is kept that may run on" : " processes are kept that may run on",
      " without the server that was lost; ", how);
}

std::string UnknownEndText(const v1::Process& process) {
  const std::string& reason = process.exit_status().unknown().reason();
  return IsLost(process) ? absl::StrCat(reason, ": ", FateText(process)) : reason;
}

}  // namespace proctor::cli
