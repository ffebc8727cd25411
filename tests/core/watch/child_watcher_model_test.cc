// Random calls against a model, for each watcher on each loop. The seed is printed;
// PROCTOR_TEST_SEED repeats a run, PROCTOR_TEST_STEPS makes it longer.

#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

class ChildWatcherModelTest : public WatcherTest {
 protected:
  // What the model knows of a child that is not told yet.
  struct Child {
    int handler = 0;     // the number of the one that has to be told; 0 for none
    int returncode = 0;  // of how it was ended, once it was
    bool ended = false;
  };
  using Children = std::map<pid_t, Child>;

  void SetUp() override {
    WatcherTest::SetUp();
    seed_ = FromEnvironment("PROCTOR_TEST_SEED", std::random_device()());
    steps_ = FromEnvironment("PROCTOR_TEST_STEPS", 1500);
    random_.seed(seed_);
    RecordProperty("seed", absl::StrCat(seed_));
    std::printf("PROCTOR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  Children::iterator DrawChild() {
    return children_.empty() ? children_.end()
                             : std::next(children_.begin(), Draw(children_.size()));
  }

  // One call, drawn at random; on the loop, within a scope.
  void Step() {
    const ChildWatcher::Scope scope(*watcher_);
    const size_t choice = Draw(100);
    if (choice < 40) {
      if (children_.size() < 60) AddNew();
    } else if (choice < 65) {
      End(DrawChild());
    } else if (choice < 75) {
      Replace(DrawChild());
    } else if (choice < 83) {
      Remove(DrawChild());
    } else if (choice < 86) {
      RemoveUnknown();
    } else if (choice < 92) {
      OnAnotherThread([this] { Remove(DrawChild()); });
    } else if (choice < 96) {
      Reattach();
    } else if (choice < 97) {
      CloseAndReplaceWatcher();
    }  // else: nothing in this turn
  }

  void AddNew() {
    const size_t kind = Draw(4);
    const int code = static_cast<int>(Draw(256));
    const pid_t pid = kind == 0 ? Spawn("exit_with", absl::StrCat(code)) : Spawn("wait_forever");
    Child child;
    child.ended = kind == 0;
    child.returncode = code;
    ASSERT_TRUE(children_.emplace(pid, child).second) << "a pid was free before it was told";
    if (kind == 0 && Draw(2) == 0) AwaitZombie(pid);
    AddHandler(pid);
  }

  void AddHandler(pid_t pid) {
    const int number = ++last_handler_;
    const absl::Status added = watcher_->AddChildHandler(
        pid, [this, pid, number](const ChildExit& exit) { OnTold(pid, number, exit); });
    ASSERT_TRUE(added.ok()) << added;
    children_.at(pid).handler = number;
  }

  void OnTold(pid_t pid, int number, const ChildExit& exit) {
    EXPECT_EQ(*GetRunningLoop(), loop_);
    EXPECT_EQ(exit.pid, pid);
    auto child = children_.find(pid);
    ASSERT_NE(child, children_.end()) << pid << " was told twice, or removed";
    EXPECT_EQ(child->second.handler, number) << "another handler was told";
    ASSERT_TRUE(child->second.ended) << "told while it lives";
    EXPECT_EQ(exit.returncode(), child->second.returncode);
    EXPECT_EQ(exit.status.source, StatusSource::kWaited);
    children_.erase(child);
    ++told_;
    // Calls from within a handler, on other children.
    if (Draw(4) == 0 && steps_ > 0) Step();
  }

  void End(Children::iterator child) {
    if (child == children_.end() || child->second.ended) return;
    const int signal = Draw(2) == 0 ? SIGKILL : SIGTERM;
    child->second.ended = true;
    child->second.returncode = -signal;
    ASSERT_EQ(::kill(child->first, signal), 0);
  }

  void Replace(Children::iterator child) {
    if (child != children_.end()) AddHandler(child->first);
  }

  void Remove(Children::iterator child) {
    if (child == children_.end()) return;
    EXPECT_TRUE(watcher_->RemoveChildHandler(child->first));
    Forget(child);
  }

  // Nobody hears of it any more; it ends all the same, and must be reaped.
  void Forget(Children::iterator child) {
    const pid_t pid = child->first;
    const bool ended = child->second.ended;
    children_.erase(child);
    if (!ended) ::kill(pid, SIGKILL);
  }

  void RemoveUnknown() { EXPECT_FALSE(watcher_->RemoveChildHandler(1)); }

  template <typename Work>
  void OnAnotherThread(Work work) {
    std::thread(work).join();
  }

  void Reattach() {
    if (Draw(2) == 0) {
      EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
    }
    EXPECT_TRUE(watcher_->AttachLoop(loop_).ok());
  }

  void CloseAndReplaceWatcher() {
    // The scope that is open is the old watcher's, which goes with it.
    closed_.push_back(watcher_);
    watcher_->Close();
    while (!children_.empty()) Forget(children_.begin());
    watcher_ = *NewParamWatcher();
    EXPECT_TRUE(watcher_->AttachLoop(loop_).ok());
  }

  void Turn() {
    if (steps_ > 0) {
      --steps_;
      Step();
    } else {
      for (auto child = children_.begin(); child != children_.end(); ++child) End(child);
      if (children_.empty()) return Stop();
    }
    if (HasFatalFailure()) return Stop();
    loop_->CallSoon([this] { Turn(); });
  }

  std::mt19937_64 random_;
  uint64_t seed_ = 0;
  uint64_t steps_ = 0;
  Children children_;
  int last_handler_ = 0;
  int told_ = 0;
  std::vector<std::shared_ptr<ChildWatcher>> closed_;
};

INSTANTIATE_TEST_SUITE_P(All, ChildWatcherModelTest, testing::ValuesIn(AllWatchers()),
                         WatcherCaseName);

// conformance 33, 38, 39, 40, 43, 44, 47, 48, 51
TEST_P(ChildWatcherModelTest, DoesAsTheModelWhateverIsCalled) {
  loop_->CallSoon([this] { Turn(); });
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_GT(told_, 0);
  closed_.clear();
  RunUntilNoChild();
}

}  // namespace
}  // namespace proctor
