// Real servers, and what else may listen, are in tests/e2e/command/unreachable_test.py.
#include "client/connection/unreachable.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace proctor::client {
namespace {

std::string Explain(const std::string& host, const std::string& message) {
  return ExplainUnreachable({.host = host}, absl::UnavailableError(message));
}

TEST(UnreachableTest, NamesCauseAndHelp) {
  EXPECT_EQ(Explain("unix:/x",
                    "failed to connect to all addresses; last error: UNKNOWN: unix:/x: "
                    "No such file or directory"),
            "cannot reach a server at 'unix:/x': the socket is not there (NO_SERVER); start one "
            "with 'proctord --listen=unix:/x', or name another with --host or PROCTOR_HOST");
}

TEST(UnreachableTest, PassesOnWhatIsNotKnown) {
  for (const char* host : {"unix:/x", "localhost:1", "malformed"}) {
    const std::string text = Explain(host, "failed to connect to all addresses; last error: moon");
    EXPECT_TRUE(absl::StrContains(text, "last error: moon (UNREACHABLE)")) << text;
    EXPECT_TRUE(absl::StrContains(text, "--host or PROCTOR_HOST")) << text;
  }
}

TEST(UnreachableTest, LossOfAConnectionSaysNothingOfHowToGetThere) {
  const std::string text = Explain("localhost:1", "Socket closed");
  EXPECT_TRUE(absl::StrContains(text, "Socket closed (UNREACHABLE)")) << text;
  EXPECT_FALSE(absl::StrContains(text, "TLS_WANTED")) << text;
}

}  // namespace
}  // namespace proctor::client
