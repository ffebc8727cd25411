#include "core/tree/process_usage.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "core/tree/cgroup_root.h"
#include "core/tree/usage_sampler.h"
#include "proctor/error.h"
#include "tests/core/tree/test_cgroup.h"

namespace proctor {
namespace {

ProcEntry Entry(pid_t pid, pid_t parent, pid_t session, uint64_t ticks) {
  ProcEntry entry;
  entry.pid = pid;
  entry.state = 'S';
  entry.parent = parent;
  entry.session = session;
  entry.threads = 2;
  entry.cpu_ticks = ticks;
  entry.resident_pages = 10;
  return entry;
}

TEST(ProcessUsageTest, SumsWhoDescendsAndWhoIsInItsSession) {
  const ProcTable table({Entry(10, 1, 10, 100), Entry(11, 10, 10, 200), Entry(12, 11, 12, 300),
                         Entry(13, 1, 10, 400),   // an orphan, in its session
                         Entry(14, 13, 13, 500),  // whose child has left that
                         Entry(20, 1, 20, 1000), Entry(1, 0, 1, 7)});
  const auto usage = SumTreeUsage(table, 10);
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->tasks, 10u);
  EXPECT_EQ(usage->cpu_time,
            absl::Seconds(1) * 1500 / static_cast<int64_t>(::sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(usage->memory_bytes, 50u * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_FALSE(usage->is_group);
}

TEST(ProcessUsageTest, TakesNoSessionThatAnotherLeads) {
  const ProcTable table({Entry(10, 1, 1, 100), Entry(11, 10, 1, 200), Entry(13, 1, 1, 400)});
  EXPECT_EQ(SumTreeUsage(table, 10)->tasks, 4u);
  EXPECT_FALSE(SumTreeUsage(table, 99).has_value());
}

TEST(ProcessUsageTest, ReadsWhatAGroupCounts) {
  char directory[] = "/tmp/proctor-usage-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const Cgroup group(directory);
  const auto write = [&](const char* file, const char* text) {
    std::ofstream(group.path() + "/" + file) << text;
  };
  write("cpu.stat", "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n");
  write("memory.current", "1048576\n");
  EXPECT_FALSE(ReadGroupUsage(group).has_value()) << "without a controller for tasks";
  write("pids.current", "3\n");
  const auto usage = ReadGroupUsage(group);
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->cpu_time, absl::Milliseconds(2500));
  EXPECT_EQ(usage->memory_bytes, 1048576u);
  EXPECT_EQ(usage->tasks, 3u);
  EXPECT_TRUE(usage->is_group);
  std::filesystem::remove_all(directory);
}

TEST(ProcessUsageTest, ReadsWhatProcSays) {
  const auto entry = ReadProcEntry(::getpid(), /*with_locks=*/false);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_GT(entry->resident_pages, 0u);
  const uint64_t before = entry->cpu_ticks;
  while (ReadProcEntry(::getpid(), false)->cpu_ticks == before) {
  }
}

class UsageSamplerTest : public ::testing::Test {
 protected:
  UsageSampler::Usages Look(std::vector<UsageSampler::Subject> subjects) {
    std::promise<absl::StatusOr<UsageSampler::Usages>> found;
    const absl::Status posted = sampler_.Look(
        std::move(subjects),
        [&](absl::StatusOr<UsageSampler::Usages> usages) { found.set_value(std::move(usages)); });
    EXPECT_TRUE(posted.ok()) << posted;
    auto usages = found.get_future().get();
    EXPECT_TRUE(usages.ok()) << usages.status();
    return *std::move(usages);
  }

  absl::Duration now_ = absl::Hours(1);  // set between the looks alone
  absl::Duration cost_;
  absl::Duration each_;  // that the clock of the cost goes on by
  UsageSampler sampler_{
      std::make_shared<ProcessTrees>(absl::UnknownError("a test without")),
      {.now = [this] { return now_; }, .cost = [this] { return cost_ += each_; }}};
};

TEST_F(UsageSamplerTest, LooksOnceASecond) {
  const UsageSampler::Subject self{"self", ::getpid()};
  const ProcessUsage first = Look({self}).at("self");
  EXPECT_EQ(first.clock, now_);
  EXPECT_GE(first.tasks, 1u);
  EXPECT_GT(first.memory_bytes, 0u);
  now_ += UsageSampler::kPeriod - absl::Nanoseconds(1);
  EXPECT_EQ(Look({self}).at("self").clock, first.clock);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Look({self}).at("self").clock, now_);
}

TEST_F(UsageSamplerTest, LooksLessOftenWhereThatIsDear) {
  const UsageSampler::Subject self{"self", ::getpid()};
  each_ = absl::Milliseconds(100);
  const absl::Duration first = Look({self}).at("self").clock;
  now_ += UsageSampler::kShare * each_ - absl::Nanoseconds(1);
  EXPECT_EQ(Look({self}).at("self").clock, first);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Look({self}).at("self").clock, now_);
}

TEST_F(UsageSamplerTest, FindsWhoCameSinceTheLook) {
  Look({{"self", ::getpid()}});
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  now_ += absl::Milliseconds(1);
  const auto usages = Look({{"self", ::getpid()}, {"child", child}});
  EXPECT_EQ(usages.at("child").clock, now_);
  EXPECT_EQ(usages.at("child").tasks, 1u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  now_ += UsageSampler::kPeriod;
  EXPECT_EQ(Look({{"child", child}}).count("child"), 0u) << "it is gone";
}

// ---- Without /proc. -------------------------------------------------------

constexpr int kNoMounts = 77;

// Hides what is there behind an empty file system, from this thread and those that it makes.
bool Hide(const std::string& path) {
  return ::mount("hidden", path.c_str(), "tmpfs", 0, nullptr) == 0;
}

// Looks at one with a group, and at itself, which has none. Files stand for the group's, because a
// kernel may have its controllers elsewhere.
int LookWithoutProc(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0) return kNoMounts;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNoMounts;
  auto root = CgroupRoot::Open(directory);
  if (!root.ok()) return kNoMounts;
  const Cgroup group = (*root)->GroupOf("one");
  if (!group.Make().ok() || !Hide(group.path())) return kNoMounts;
  std::ofstream(group.path() + "/memory.current") << "4096\n";
  std::ofstream(group.path() + "/pids.current") << "3\n";
  std::ofstream(group.path() + "/cpu.stat") << "usage_usec 1\n";
  if (!Hide("/proc")) return kNoMounts;
  UsageSampler sampler(std::make_shared<ProcessTrees>(*root));
  const auto look = [&sampler](std::vector<UsageSampler::Subject> subjects) {
    std::promise<absl::StatusOr<UsageSampler::Usages>> found;
    const absl::Status posted = sampler.Look(
        std::move(subjects),
        [&](absl::StatusOr<UsageSampler::Usages> usages) { found.set_value(std::move(usages)); });
    return posted.ok() ? found.get_future().get() : posted;
  };
  const UsageSampler::Subject one{"one", 1};
  const UsageSampler::Subject self{"self", ::getpid()};
  const auto both = look({one, self});
  const auto alone = look({self});
  ::umount("/proc");
  ::umount(group.path().c_str());
  (void)group.Remove();
  if (!both.ok()) return 1;
  if (both->size() != 1 || both->at("one").tasks != 3) return 2;
  return ErrorReason(alone.status()) == "PROC_UNAVAILABLE" ? 0 : 3;
}

TEST(UsageSamplerDeathTest, TellsOfGroupsWhereProcCannotBeLookedAt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto look = [] {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) ::_exit(kNoMounts);
    const int code = LookWithoutProc(*directory);
    (void)Cgroup(*directory).Remove();
    ::_exit(code);
  };
  bool mounted = true;
  const auto as_it_should = [&mounted](int status) {
    mounted = !WIFEXITED(status) || WEXITSTATUS(status) != kNoMounts;
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !mounted);
  };
  EXPECT_EXIT(look(), as_it_should, "");
  if (!mounted) GTEST_SKIP() << "no control groups here, or nothing may be mounted";
}

}  // namespace
}  // namespace proctor
