#include "core/tree/tree_walker.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/synchronization/notification.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kMark = 1ULL << 40;
constexpr pid_t kLeader = 1000000001;  // above any pid: nobody else's
constexpr pid_t kOther = 1000000002;
constexpr pid_t kThird = 1000000003;

// Which processes a walk takes for members, in tables that are made up; but for the user of an
// orphan, who is looked up: that one is a child of ours.
class FindMembersTest : public testing::Test {
 protected:
  void SetUp() override {
    orphan_ = ::fork();
    if (orphan_ == 0) {
      ::pause();
      ::_exit(0);
    }
    tree_.mark = kMark;
    tree_.born = 100;
    tree_.user = ::geteuid();
  }
  void TearDown() override {
    ::kill(orphan_, SIGKILL);
    ::waitpid(orphan_, nullptr, 0);
  }

  static ProcEntry Entry(pid_t pid, pid_t parent, pid_t session, uint64_t locks = 0) {
    ProcEntry entry;
    entry.pid = pid;
    entry.state = 'S';
    entry.parent = parent;
    entry.session = session;
    entry.threads = 1;
    entry.start_time = 200;
    entry.locks = locks;
    return entry;
  }
  // What a member of the tree is once its parent has ended.
  ProcEntry Orphan() const { return Entry(orphan_, 1, orphan_, kMark); }

  std::vector<pid_t> Find(std::vector<ProcEntry> entries) {
    entries.push_back(Entry(::getpid(), ::getppid(), ::getsid(0)));
    std::vector<pid_t> pids;
    for (const ProcEntry& entry : FindMembers(ProcTable(std::move(entries)), &tree_)) {
      pids.push_back(entry.pid);
    }
    return pids;
  }

  pid_t orphan_ = 0;
  WalkedTree tree_;
};

TEST_F(FindMembersTest, AreTheLeaderItsSessionAndWhoeverDescends) {
  tree_.leader = kLeader;
  EXPECT_THAT(Find({Entry(kLeader, ::getpid(), kLeader), Entry(kOther, kLeader, kOther),
                    Entry(kThird, 1, kOther), Entry(orphan_, 1, orphan_)}),
              UnorderedElementsAre(kLeader, kOther, kThird));
}

TEST_F(FindMembersTest, AreNotThoseOfOurOwnSession) {
  tree_.leader = kLeader;
  EXPECT_THAT(Find({Entry(kLeader, ::getpid(), ::getsid(0)), Entry(kOther, 1, ::getsid(0))}),
              ElementsAre(kLeader));
}

TEST_F(FindMembersTest, AreMarkedOrphans) {
  EXPECT_THAT(Find({Orphan()}), ElementsAre(orphan_));
  ProcEntry unseen_parent = Orphan();
  unseen_parent.parent = kOther;  // as with hidepid
  EXPECT_THAT(Find({unseen_parent}), ElementsAre(orphan_));
}

// Anybody may read the mark and take it.
TEST_F(FindMembersTest, AreNotStrangersWhoCopiedTheMark) {
  ProcEntry child = Orphan();
  child.parent = kOther;
  EXPECT_THAT(Find({child, Entry(kOther, 1, kOther)}), IsEmpty());
  ProcEntry older = Orphan();
  older.start_time = tree_.born - 1;
  EXPECT_THAT(Find({older}), IsEmpty());
  ++tree_.user;
  EXPECT_THAT(Find({Orphan()}), IsEmpty());
}

TEST_F(FindMembersTest, MayBeAnybodysInATreeOfRoot) {
  tree_.user = 0;
  EXPECT_THAT(Find({Orphan()}), ElementsAre(orphan_));
}

TEST_F(FindMembersTest, MayBeRootsWherePrivilegesMayBeGained) {
  tree_.user = ::geteuid() + 1;
  tree_.may_be_root = true;
  EXPECT_EQ(Find({Orphan()}).size(), ::getuid() == 0 ? 1 : 0);
}

TEST_F(FindMembersTest, StaySoWhateverTheyLeaveBehind) {
  tree_.leader = kLeader;
  EXPECT_THAT(Find({Entry(kLeader, ::getpid(), kLeader), Entry(kOther, kLeader, kOther)}),
              UnorderedElementsAre(kLeader, kOther));
  tree_.leader = 0;  // reaped
  EXPECT_THAT(Find({Entry(kOther, 1, kThird), Entry(kThird, kOther, kThird)}),
              UnorderedElementsAre(kOther, kThird));
  ProcEntry another = Entry(kOther, 1, kOther);
  ++another.start_time;  // the pid is used again
  EXPECT_THAT(Find({another}), IsEmpty());
}

TEST_F(FindMembersTest, RunOnWithoutTheirMainThread) {
  tree_.leader = kLeader;
  ProcEntry headless = Entry(kLeader, ::getpid(), kLeader);
  headless.state = 'Z';
  EXPECT_THAT(Find({headless}), IsEmpty());
  headless.threads = 2;
  EXPECT_THAT(Find({headless}), ElementsAre(kLeader));
}

// ---- Walks. ---------------------------------------------------------------

WalkOrder LookFor(const std::shared_ptr<WalkedTree>& tree, std::function<void(WalkOrder)> done) {
  WalkOrder order;
  order.tree = tree;
  order.done = std::move(done);
  return order;
}

TEST(WalkTreesTest, TellsEachOrderOnce) {
  constexpr int kTrees = 50;
  std::atomic<int> left = kTrees;
  std::atomic<int> members = 0;
  absl::Notification told;
  for (int i = 0; i < kTrees; ++i) {
    auto tree = std::make_shared<WalkedTree>();
    if (i == 0) tree->leader = ::getpid();  // somebody who runs
    WalkTrees(LookFor(tree, [&, i](WalkOrder walked) {
      EXPECT_TRUE(walked.status.ok()) << walked.status;
      EXPECT_EQ(walked.members > 0, i == 0);
      members += walked.members > 0 ? 1 : 0;
      if (--left == 0) told.Notify();
    }));
  }
  told.WaitForNotification();
  EXPECT_EQ(members, 1);
}

}  // namespace
}  // namespace proctor
