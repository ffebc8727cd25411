#include "core/tree/proc_table.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace proctor {
namespace {

TEST(ProcTableTest, ShowsThisProcessAndItsKin) {
  ASSERT_TRUE(CheckProc().ok()) << CheckProc();
  const auto table = ProcTable::Read(ProcTable::kNoLocks);
  ASSERT_TRUE(table.ok()) << table.status();
  const ProcEntry* self = table->Find(::getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_EQ(self->session, ::getsid(0));
  EXPECT_GE(self->threads, 1);
  EXPECT_LE(self->start_time, ProcTicksNow());
  EXPECT_FALSE(self->ended());
  EXPECT_EQ(ReadProcUser(::getpid()), ::getuid());
  const auto place = static_cast<size_t>(self - table->entries().data());
  EXPECT_THAT(table->ChildrenOf(self->parent), testing::Contains(place));
  EXPECT_THAT(table->InSession(self->session), testing::Contains(place));
  EXPECT_EQ(table->Find(-1), nullptr);
}

TEST(ProcTableTest, FindsWhoHasALimitOfLocks) {
  constexpr uint64_t kMark = (1ULL << 40) + 7;
  const uint64_t born = ProcTicksNow();
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit = {kMark, kMark};
    ::setrlimit(static_cast<__rlimit_resource>(RLIMIT_LOCKS), &limit);
    (void)!::write(told[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  const auto table = ProcTable::Read(born);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->WithLocks(kMark).size(), 1u);
  EXPECT_EQ(table->entries()[table->WithLocks(kMark)[0]].pid, child);
  const auto without = ProcTable::Read(ProcTable::kNoLocks);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_THAT(without->WithLocks(kMark), testing::IsEmpty());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(absl::IsNotFound(ReadProcEntry(child, false).status()));
  for (const int fd : told) ::close(fd);
}

}  // namespace
}  // namespace proctor
