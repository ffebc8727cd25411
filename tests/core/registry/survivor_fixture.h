#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "core/tree/cgroup.h"
#include "core/tree/process_tree.h"
#include "tests/core/registry/session_restore_fixture.h"
#include "tests/core/tree/test_cgroup.h"

namespace proctor {

// A group of the test's own, in which a dead server has one for a process, with a child of ours.
class SessionRestoreSurvivors : public SessionRestore {
 protected:
  void SetUp() override {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) GTEST_SKIP() << directory.status();
    directory_ = *directory;
  }
  void TearDown() override {
    EndSurvivor();
    if (!directory_.empty()) {
      EXPECT_TRUE(Cgroup(directory_).Remove());
    }
  }

  void LeaveSurvivor(const std::string& process_id, bool ignores_term = false) {
    const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
    ASSERT_TRUE(dead.Make().ok());
    ASSERT_TRUE(dead.Child(process_id).Make().ok());
    // Before there is a child that could miss it.
    const auto before = ignores_term ? ::signal(SIGTERM, SIG_IGN) : SIG_ERR;
    survivor_ = ::fork();
    if (survivor_ == 0) {
      while (true) ::pause();
    }
    if (ignores_term) ::signal(SIGTERM, before);
    ASSERT_TRUE(dead.Child(process_id).Write("cgroup.procs", absl::StrCat(survivor_)).ok());
  }
  // Returns the signal that ended it; 0 where there is none any more.
  int EndSurvivor() {
    if (survivor_ == 0) return 0;
    ::kill(survivor_, SIGKILL);
    int status = 0;
    EXPECT_GT(::waitpid(std::exchange(survivor_, 0), &status, 0), 0);
    return WTERMSIG(status);
  }

  SessionRegistry::Options WithTrees() const {
    SessionRegistry::Options options;
    auto trees = ProcessTrees::Open(directory_);
    EXPECT_TRUE(trees.ok()) << trees.status();
    if (trees.ok()) options.trees = *trees;
    return options;
  }

  // A process that was lost with its server and has a survivor; the store of that server.
  std::string LoseWithSurvivor(const TemporaryDirectory** directory, bool ignores_term = false) {
    auto server = Open(first_.path());
    const std::string id = server->Start(server->Open(), MakeCommand("wait_forever"));
    *directory = &Lose(first_);
    LeaveSurvivor(id, ignores_term);
    return id;
  }

  static ProcessInfo LookAt(Server& server, const std::string& id) {
    return *server.registry().LookAtSurvivors(std::make_shared<const ProcessInfo>(server.Find(id)));
  }

  std::string directory_;
  pid_t survivor_ = 0;
};

}  // namespace proctor
