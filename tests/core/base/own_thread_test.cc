#include "core/base/own_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <thread>
#include <type_traits>

namespace proctor {
namespace {

// The kind that checks is there in all builds; OwnThread is one of the two.
using Checked = BasicOwnThread<true>;

void CheckElsewhere(const Checked& own_thread, const char* name) {
  std::thread([&own_thread, name] {
    ::pthread_setname_np(::pthread_self(), name);
    own_thread.Check();
  }).join();
}

class OwnThreadDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { GTEST_FLAG_SET(death_test_style, "fast"); }

  static void DieBesideTheOwner() {
    Checked own_thread("Ledger");
    ::pthread_setname_np(::pthread_self(), "owner");
    own_thread.Check();
    CheckElsewhere(own_thread, "stranger");
  }

  static void DieAfterTheOwner() {
    Checked own_thread("Ledger");
    CheckElsewhere(own_thread, "owner");
    own_thread.Check();
  }

  static void DieAfterAHandOver() {
    Checked own_thread("Ledger");
    own_thread.Check();
    own_thread.Detach();
    CheckElsewhere(own_thread, "heir");
    own_thread.Check();
  }
};

TEST_F(OwnThreadDeathTest, NamesTheClassThePlaceAndBothThreads) {
  EXPECT_EXIT(
      DieBesideTheOwner(), testing::KilledBySignal(SIGABRT),
      "own_thread_test\\.cc:[0-9]+: broken invariant: Ledger is used by its own thread only "
      "\\(it belongs to thread [0-9]+ 'owner'; this is thread [0-9]+ 'stranger'\\)");
}

TEST_F(OwnThreadDeathTest, OutlivesItsThread) {
  EXPECT_EXIT(DieAfterTheOwner(), testing::KilledBySignal(SIGABRT),
              "it belongs to thread [0-9]+, which has ended; this is thread");
}

TEST_F(OwnThreadDeathTest, BelongsToTheHeirAfterAHandOver) {
  EXPECT_EXIT(DieAfterAHandOver(), testing::KilledBySignal(SIGABRT), "Ledger is used");
}

TEST(OwnThreadTest, ServesItsOwnThread) {
  Checked own_thread("Ledger");
  own_thread.Check();
  own_thread.Check();
  own_thread.Detach();
  CheckElsewhere(own_thread, "heir");
}

TEST(OwnThreadTest, IsOfTheFirstThreadThatChecks) {
  Checked own_thread("Ledger");  // made here, which binds nothing
  CheckElsewhere(own_thread, "owner");
}

// Where nothing is checked, an object is as large as without.
struct Bare {
  int bytes;
};
struct Owned {
  [[no_unique_address]] BasicOwnThread<false> own_thread{"Owned"};
  int bytes;
};
static_assert(sizeof(Owned) == sizeof(Bare) && std::is_empty_v<BasicOwnThread<false>>);

#ifdef NDEBUG
static_assert(std::is_same_v<OwnThread, BasicOwnThread<false>>);
#else
static_assert(std::is_same_v<OwnThread, BasicOwnThread<true>>);
#endif

}  // namespace
}  // namespace proctor
