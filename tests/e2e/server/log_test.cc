// A reader of the server's log that has stopped reading.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {
namespace {

class LogE2e : public testing::Test {
 protected:
  LogE2e() { EXPECT_EQ(::pipe2(log_, O_CLOEXEC), 0); }
  ~LogE2e() override {
    ::close(log_[0]);
    ::close(log_[1]);
  }

  // Fills the pipe. Opens it anew for that: the end that the server gets stays blocking.
  void Fill() {
    const std::string path = absl::StrCat("/proc/self/fd/", log_[1]);
    const int end = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(end, 0);
    while (::write(end, ".", 1) == 1) {
    }
    EXPECT_EQ(errno, EAGAIN);
    ::close(end);
  }

  int log_[2];
};

TEST_F(LogE2e, AStuckReaderHoldsUpNeitherCallersNorTheEnd) {
  ServerProcess server({"--log-level=debug"}, {.log_fd = log_[1]});
  Fill();
  auto sessions = v1::SessionService::NewStub(server.NewChannel());
  for (int i = 0; i < 10; ++i) {
    const auto deadline = std::chrono::system_clock::now() + std::chrono::minutes(1);
    grpc::ClientContext creating;
    creating.set_deadline(deadline);
    v1::CreateSessionResponse created;
    ASSERT_TRUE(sessions->CreateSession(&creating, {}, &created).ok());
    grpc::ClientContext closing;
    closing.set_deadline(deadline);
    v1::CloseSessionRequest close;
    close.set_session_id(created.session().session_id());
    v1::CloseSessionResponse closed;
    ASSERT_TRUE(sessions->CloseSession(&closing, close, &closed).ok());
  }
  sessions.reset();  // or the server waits for its connection
  EXPECT_EQ(server.End(SIGTERM), 0);
}

}  // namespace
}  // namespace proctor
