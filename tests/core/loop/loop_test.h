#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "core/loop/proactor_event_loop.h"
#include "core/loop/selector_event_loop.h"
#include "proctor/error.h"
#include "proctor/event_loop.h"
#include "proctor/unique_fd.h"
#include "tests/core/open_descriptors.h"

namespace proctor {

// The loops that every test of a LoopTest suite runs with.
struct LoopKind {
  const char* name;
  std::function<absl::StatusOr<std::shared_ptr<EventLoop>>()> create;
  std::function<absl::Status()> probe;  // why there can be none on this machine
};

inline void PrintTo(const LoopKind& kind, std::ostream* out) { *out << kind.name; }

inline auto AllLoops() {
  return testing::Values(LoopKind{"Selector", [] { return SelectorEventLoop::Create(); },
                                  [] { return absl::OkStatus(); }},
                         LoopKind{"Proactor", [] { return ProactorEventLoop::Create(); },
                                  [] { return ProactorEventLoop::Probe(); }});
}

inline std::string LoopKindName(const testing::TestParamInfo<LoopKind>& info) {
  return info.param.name;
}

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    read.Reset(fds[0]);
    write.Reset(fds[1]);
  }
  void Write() { EXPECT_EQ(::write(write.get(), "x", 1), 1); }
  // Takes one byte; false if there was none.
  bool Read() {
    char byte;
    return ::read(read.get(), &byte, 1) == 1;
  }

  UniqueFd read;
  UniqueFd write;
};

// A loop of each kind, and the promise that it leaves no descriptor behind.
class LoopTest : public testing::TestWithParam<LoopKind> {
 protected:
  void SetUp() override {
    if (const absl::Status can = GetParam().probe(); !can.ok()) GTEST_SKIP() << can;
    descriptors_ = OpenDescriptors().size();
    auto loop = GetParam().create();
    ASSERT_TRUE(loop.ok()) << loop.status();
    loop_ = *loop;
  }

  void TearDown() override {
    if (loop_ == nullptr) return;
    EXPECT_TRUE(loop_->Close().ok());
    EXPECT_EQ(OpenDescriptors().size(), descriptors_);
  }

  // Runs the loop until something calls Stop.
  void Run() { EXPECT_EQ(loop_->RunForever(), absl::OkStatus()); }

  // Runs this many turns, without waiting in any.
  void RunTurns(int turns) {
    for (int i = 0; i < turns; ++i) {
      loop_->Stop();
      Run();
    }
  }

  size_t descriptors_ = 0;
  std::shared_ptr<EventLoop> loop_;
};

// Calls a function when it is destroyed: the end of a callback, for tests.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> function)
      : function_(std::make_shared<Function>(std::move(function))) {}
  void operator()() const {}

 private:
  struct Function {
    explicit Function(std::function<void()> call) : call(std::move(call)) {}
    ~Function() { call(); }
    std::function<void()> call;
  };
  std::shared_ptr<Function> function_;
};

}  // namespace proctor
