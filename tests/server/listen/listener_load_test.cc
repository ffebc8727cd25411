#include "server/listen/listener_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

namespace proctor::server {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

class ListenerLoadTest : public testing::Test {
 protected:
  ListenerLoadTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_));
    logger->set_pattern("%v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~ListenerLoadTest() override { spdlog::set_default_logger(before_); }

  std::string TakeLog() {
    std::string text = log_.str();
    log_.str("");
    return text;
  }

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream log_;
  ListenerLoad load_{"127.0.0.1:7443"};
};

TEST_F(ListenerLoadTest, CountsByReason) {
  EXPECT_THAT(load_.refused(),
              UnorderedElementsAre(Pair("MAX_CONNECTIONS", 0), Pair("MAX_CONNECTIONS_PER_PEER", 0),
                                   Pair("FEW_DESCRIPTORS", 0), Pair("NO_TOKEN", 0),
                                   Pair("BYTES_WITHOUT_USE", 0), Pair("CALLS_WITHOUT_USE", 0)));
  load_.Refuse(Refusal::kDescriptors, "p", absl::ZeroDuration());
  load_.Refuse(Refusal::kDescriptors, "p", absl::ZeroDuration());
  load_.Refuse(Refusal::kNoToken, "p", absl::ZeroDuration());
  load_.SetOpen(7);
  EXPECT_EQ(load_.open(), 7u);
  EXPECT_EQ(load_.refused()["FEW_DESCRIPTORS"], 2u);
  EXPECT_EQ(load_.refused()["NO_TOKEN"], 1u);
  EXPECT_EQ(load_.refused()["MAX_CONNECTIONS"], 0u);
}

TEST_F(ListenerLoadTest, TellsTheLogAtABoundedRateAndCountsWhatItDidNotTell) {
  absl::Duration now = absl::Hours(1);
  load_.Refuse(Refusal::kConnectionsOfPeer, "10.0.0.1:5", now);
  EXPECT_EQ(TakeLog(),
            "connection refused listener=127.0.0.1:7443 reason=MAX_CONNECTIONS_PER_PEER "
            "peer=10.0.0.1:5 count=1\n");
  for (int i = 0; i < 1000; ++i) {
    load_.Refuse(Refusal::kConnections, "10.0.0.2:5", now + absl::Milliseconds(9 * i));
  }
  EXPECT_EQ(TakeLog(), "");
  load_.Refuse(Refusal::kConnections, "10.0.0.3:5", now + absl::Seconds(10));
  EXPECT_EQ(TakeLog(),
            "connection refused listener=127.0.0.1:7443 reason=MAX_CONNECTIONS peer=10.0.0.3:5 "
            "count=1001\n");
}

}  // namespace
}  // namespace proctor::server
