#include "server/http/tcp_acceptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/server/gateway/gateway_fixture.h"

namespace proctor::server::http {
namespace {

// Tells of the first line that the server's log gets.
class FirstLine final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  absl::Notification came;

 private:
  void sink_it_(const spdlog::details::log_msg&) override {
    if (!came.HasBeenNotified()) came.Notify();
  }
  void flush_() override {}
};

class TcpAcceptorTest : public proctor::testing::GatewayTest {};

TEST_F(TcpAcceptorTest, ComesBackWhenThereAreDescriptorsAgain) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer looks at memory through a pipe, for which this leaves no room";
#endif
  auto first = Connect();
  EXPECT_EQ(first->Get("/healthz").status, 200);
  const auto log = std::make_shared<FirstLine>();
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit few{256, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);

  std::vector<UniqueFd> hoard;
  for (;;) {
    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  hoard.pop_back();
  auto client = Connect();  // takes the one that was left
  EXPECT_TRUE(client->connected());
  client->SendRequest("GET", "/healthz");
  EXPECT_TRUE(log->came.WaitForNotificationWithTimeout(proctor::testing::kPatience));
  EXPECT_EQ(first->Get("/healthz").status, 200);  // who is there is served meanwhile
  hoard.clear();
  EXPECT_EQ(client->Read().status, 200);

  ::setrlimit(RLIMIT_NOFILE, &limit);
  spdlog::set_default_logger(before);
}

}  // namespace
}  // namespace proctor::server::http
