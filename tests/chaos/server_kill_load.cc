// A server that is killed again and again in the middle of its work, on one state directory. After
// each kill, the next server has all that was ever shown, unchanged. What was under way has ended
// once, with an unknown status. A start that is repeated with its request_id does not run again.
// Run by tests/chaos/server_kill.

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/flags/argument_pointers.h"
#include "tests/chaos/aftermath.h"
#include "tests/chaos/repeated_starts.h"
#include "tests/chaos/server_life.h"
#include "tests/chaos/shown.h"

namespace proctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLeastExits = 10;  // told before a kill

long Setting(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : otherwise;
}

class ServerKill : public testing::Test {
 protected:
  ServerKill() {
    char name[] = "/tmp/proctor-kill-XXXXXX";
    state_dir_ = ::mkdtemp(name);
    repeated_ = std::make_unique<RepeatedStarts>(state_dir_ + "/ran");
    // The children of a killed server become those of this process.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~ServerKill() override { std::filesystem::remove_all(state_dir_); }

  // Ends the children that a killed server left behind, by pid.
  void EndLeftovers() {
    for (bool found = true; found;) {
      found = false;
      for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream children(task.path() / "children");
        for (pid_t pid; children >> pid;) {
          ::kill(pid, SIGKILL);
          if (::waitpid(pid, nullptr, 0) == pid) ++leftovers_;
          found = true;
        }
      }
    }
  }

  // Kills a server before it is ready, in the middle of taking over.
  void KillEarly(unsigned microseconds) {
    const std::string socket = state_dir_ + "/early.sock";
    std::vector<std::string> arguments = {PROCTORD, "--listen=unix:" + socket,
                                          "--log-level=warning", "--cgroup=none",
                                          "--state-dir=" + state_dir_};
    for (const std::string& flag : ServerLife::Flags()) arguments.push_back(flag);
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawn(&pid, PROCTORD, nullptr, nullptr, ArgumentPointers(&arguments).data(),
                            environ),
              0);
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));  // anywhere
    ::kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << WEXITSTATUS(status);
  }

  std::string state_dir_;
  Shown shown_;
  std::unique_ptr<RepeatedStarts> repeated_;
  Aftermath aftermath_{&shown_};
  size_t leftovers_ = 0;
};

TEST_F(ServerKill, WhatWasShownIsThereAndWhatWasUnderWayIsLostOnce) {
  const long kills = Setting("PROCTOR_CHAOS_KILLS", 5);
  const auto seed = static_cast<unsigned>(
      Setting("PROCTOR_TEST_SEED", static_cast<long>(std::random_device()())));
  std::printf("PROCTOR_TEST_SEED=%u\n", seed);
  std::mt19937 random(seed);
  const auto begin = Clock::now();
  int early = 0;
  for (long kill = 0; kill <= kills && !HasFailure(); ++kill) {
    ServerLife life(state_dir_, seed + static_cast<unsigned>(kill), &shown_, repeated_.get());
    if (kill > 0) aftermath_.Expect(life.server());
    life.Subscribe();
    if (!HasFailure()) {
      EXPECT_TRUE(shown_.AwaitEvent(life.server().Info().last_event().sequence()))
          << "the subscriber did not come as far as the log";
    }
    if (!HasFailure()) life.Repeat();
    if (kill < kills && !HasFailure()) {
      life.Load();
      EXPECT_TRUE(shown_.AwaitExits(kLeastExits)) << "no exits are told";
      // Anywhere in the work.
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));
    }
    life.Kill();
    EndLeftovers();
    if (kill % 3 == 1) {
      for (unsigned i = 0; i <= random() % 3; ++i, ++early) KillEarly(random() % 80000);
    }
    if (kill % 10 == 9) std::printf("%ld of %ld\n", kill + 1, kills);
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf(
      "%ld kills and %d before the server was ready, in %.1f s; %zu spawns, %zu exits told to "
      "clients, %zu events told to the subscriber; %zu processes lost with a server; %zu children "
      "left behind and ended\n",
      kills, early, took.count(), aftermath_.spawns(), shown_.exits().size(),
      shown_.events().size(), aftermath_.lost(), leftovers_);
  repeated_->ExpectOnce();
  EXPECT_GT(aftermath_.lost(), 0u) << "nothing ran at a kill: nothing was tried";
  EXPECT_GT(shown_.exits().size(), 0u);
}

}  // namespace
}  // namespace proctor

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
