#include "core/base/signal_name.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace proctor {
namespace {

TEST(SignalName, NamesEverySignalSoThatItIsParsedAgain) {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    EXPECT_EQ(ParseSignal(SignalName(signal)), signal) << SignalName(signal);
  }
}

TEST(SignalName, ParsesWhatPeopleType) {
  EXPECT_EQ(ParseSignal("TERM"), SIGTERM);
  EXPECT_EQ(ParseSignal("SIGTERM"), SIGTERM);
  EXPECT_EQ(ParseSignal("sigkill"), SIGKILL);
  EXPECT_EQ(ParseSignal("15"), SIGTERM);
  EXPECT_EQ(ParseSignal("RTMIN+2"), SIGRTMIN + 2);
  EXPECT_EQ(ParseSignal("SIGRTMAX-1"), SIGRTMAX - 1);
}

TEST(SignalName, RefusesWhatThePlatformDoesNotKnow) {
  for (const char* text : {"", "0", "-1", "65", "NOPE", "SIG", "RTMIN+99", "RTMAX+1", "1x"}) {
    EXPECT_EQ(ParseSignal(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace proctor
