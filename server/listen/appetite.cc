#include "server/listen/appetite.h"

#include <algorithm>

namespace proctor::server {
namespace {

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * kKiB;

constexpr double kBufferedBytes = 4 * kMiB;
constexpr double kMessageBytes = 8 * kMiB;
constexpr uint64_t kMostPartialMessages = 16;
constexpr double kHeaderBytes = 16 * kKiB;
constexpr double kAcknowledgementBytes = 4 * kKiB;
constexpr double kBytesASecond = 4 * kKiB;

constexpr double kMostCalls = 2000;
constexpr double kCallsASecond = 100;

// Fewer bytes hold neither too many calls nor too much else.
constexpr uint64_t kWorthALook = 32 * 1024;

// How long gRPC may work on what it has read.
constexpr absl::Duration kWork = absl::Seconds(10);

double Since(uint64_t now, uint64_t before) {
  return now > before ? static_cast<double>(now - before) : 0;
}

}  // namespace

bool Appetite::IsWorthALook(uint64_t bytes_received, absl::Duration now) const {
  return now - last_change_ < kWork || bytes_received >= last_.bytes_read + kWorthALook;
}

Appetite::Verdict Appetite::Judge(const ConnectionUse& use, absl::Duration now) {
  const bool is_first = last_time_ == -absl::InfiniteDuration();
  const double seconds = is_first ? 0 : absl::ToDoubleSeconds(now - last_time_);
  idle_bytes_ += Since(use.bytes_read, last_.bytes_read);
  idle_bytes_ -= kHeaderBytes * Since(use.calls_begun, last_.calls_begun) +
                 kAcknowledgementBytes * Since(use.messages_sent, last_.messages_sent) +
                 kBytesASecond * seconds;
  if (use.messages_received > last_.messages_received) idle_bytes_ = 0;
  idle_bytes_ = std::max(idle_bytes_, 0.0);
  const double forgiven = kCallsASecond * seconds;
  resets_ += Since(use.calls_reset, last_.calls_reset) - forgiven;
  resets_ = std::max(resets_, 0.0);
  empty_calls_ += Since(use.calls_begun, last_.calls_begun) -
                  Since(use.messages_received, last_.messages_received) - forgiven;
  empty_calls_ = std::max(empty_calls_, 0.0);
  if (use != last_) last_change_ = now;
  last_ = use;
  last_time_ = now;

  const uint64_t open = use.calls_begun - std::min(use.calls_begun, use.calls_ended);
  const double allowed =
      kBufferedBytes + kMessageBytes * static_cast<double>(std::min(open, kMostPartialMessages));
  if (idle_bytes_ > allowed) return Verdict::kBytes;
  if (std::max(resets_, empty_calls_) > kMostCalls) return Verdict::kCalls;
  return Verdict::kLawful;
}

}  // namespace proctor::server
