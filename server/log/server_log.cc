#include "server/log/server_log.h"

#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <string_view>

#include "absl/time/clock.h"
#include "core/base/printable_text.h"
#include "core/base/warning.h"
#include "server/log/last_words.h"

namespace proctor::server {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v";
constexpr char kName[] = "proctord";
constexpr std::string_view kResetColor = "\033[m";

std::string_view ColorOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
    case spdlog::level::err:
      return "\033[31m\033[1m";
    case spdlog::level::warn:
      return "\033[33m\033[1m";
    case spdlog::level::info:
      return "\033[32m";
    default:
      return "\033[36m";
  }
}

std::string Format(spdlog::formatter* formatter, const spdlog::details::log_msg& message,
                   bool colored) {
  spdlog::memory_buf_t text;
  formatter->format(message, text);
  std::string line(text.data(), text.size());
  if (colored && message.color_range_end > message.color_range_start) {
    line.insert(message.color_range_end, kResetColor);
    line.insert(message.color_range_start, ColorOf(message.level));
  }
  return line;
}

bool IsColored() {
  return spdlog::details::os::in_terminal(stderr) && spdlog::details::os::is_color_terminal();
}

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit WriterSink(std::shared_ptr<LogWriter> writer) : writer_(std::move(writer)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::details::log_msg printable = message;
    const std::string text = Printable({message.payload.data(), message.payload.size()});
    printable.payload = text;
    writer_->Write(Format(formatter_.get(), printable, colored_));
  }
  // For an exit without destructors; waits at most a second.
  void flush_() override {
    for (int tries = 0; !writer_->IsIdle() && tries < 100; ++tries) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }

  const std::shared_ptr<LogWriter> writer_;
  const bool colored_ = IsColored();
};

std::string LossLine(uint64_t lost) {
  spdlog::pattern_formatter formatter(kPattern);
  const std::string text =
      fmt::format("lines of this log were lost, because nobody took them lines={}", lost);
  return Format(&formatter, {kName, spdlog::level::warn, text}, IsColored());
}

}  // namespace

ServerLog::ServerLog(const std::string& level)
    : writer_(std::make_shared<LogWriter>(STDERR_FILENO, LossLine)) {
  auto logger = std::make_shared<spdlog::logger>(kName, std::make_shared<WriterSink>(writer_));
  logger->set_pattern(kPattern);
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(logger);
  SetWarningHandler([](std::string_view message) { spdlog::warn("{}", message); });
  SetUpLastWords(writer_.get());
  libraries_.emplace();
}

ServerLog::~ServerLog() {
  libraries_.reset();
  RevokeLastWords();
  (void)writer_->Finish();
}

}  // namespace proctor::server
