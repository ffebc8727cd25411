#include "server/daemon/shutdown_bound.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <system_error>

#include "absl/strings/str_cat.h"

namespace proctor::server {

absl::StatusOr<std::unique_ptr<ShutdownBound>> ShutdownBound::Make() {
  std::unique_ptr<ShutdownBound> bound(new ShutdownBound);
  try {
    bound->thread_ = std::thread([raw = bound.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("bound the shutdown: ", error.what()));
  }
  return bound;
}

ShutdownBound::~ShutdownBound() {
  ended_.Notify();
  if (!begun_.HasBeenNotified()) begun_.Notify();
  if (thread_.joinable()) thread_.join();
}

void ShutdownBound::Begin(absl::Duration time) {
  time_ = time;
  begun_.Notify();
}

void ShutdownBound::Run() {
  begun_.WaitForNotification();
  if (ended_.HasBeenNotified() || ended_.WaitForNotificationWithTimeout(time_)) return;
  spdlog::error("the shutdown does not end, left waiting for=\"{}\" seconds={}", step_.load(),
                absl::ToInt64Seconds(time_));
  LeaveProcess();
}

void LeaveProcess() {
  spdlog::default_logger()->flush();
  ::_exit(1);
}

}  // namespace proctor::server
