#include "server/admin/state_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class StateDumpTest : public ::testing::Test {
 protected:
  // A part with a thread that runs what is posted when the test says so.
  struct Thread {
    std::deque<LoopCallback> posted;

    void Run() {
      for (auto& work : std::exchange(posted, {})) work();
    }
  };

  StatePart PartOn(Thread* thread, const std::string& name, const std::string& text) {
    return {.name = name,
            .post =
                [thread](LoopCallback work) {
                  thread->posted.push_back(std::move(work));
                  return absl::OkStatus();
                },
            .describe =
                [this, text](size_t) {
                  ++described_;
                  return text;
                },
            .turn_time = [] { return absl::Seconds(12); },
            .outside = [] { return std::string("seen from outside\n"); }};
  }

  std::shared_ptr<StateDump> Begin(std::vector<StatePart> parts, size_t in_front = 0,
                                   size_t max_bytes = 1 << 20) {
    auto dump = std::make_shared<StateDump>(std::move(parts), in_front, max_bytes,
                                            [this](StateDump::Result result) {
                                              result_ = std::move(result);
                                              ++done_;
                                            });
    dump->Begin();
    return dump;
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& section : result_.sections) names.push_back(section.name);
    return names;
  }

  int done_ = 0;
  int described_ = 0;  // of the parts with a thread
  StateDump::Result result_;
};

TEST_F(StateDumpTest, IsDoneWhenEveryPartHasAnswered) {
  Thread first, second;
  const auto dump = Begin({PartOn(&first, "first", "1\n"),
                           {.name = "any", .describe = [](size_t) { return std::string("2\n"); }},
                           PartOn(&second, "second", "3\n")});
  second.Run();
  EXPECT_EQ(done_, 0);
  first.Run();
  EXPECT_EQ(done_, 1);
  EXPECT_THAT(Names(), ElementsAre("first", "any", "second"));
  EXPECT_EQ(result_.sections[2].text, "3\n");
  EXPECT_FALSE(result_.sections[2].silent);
  dump->GiveUp();
  EXPECT_EQ(done_, 1);
}

TEST_F(StateDumpTest, PutsPartsThatDoNotAnswerBeforeTheOthers) {
  Thread live, stuck;
  const auto dump = Begin({PartOn(&stuck, "main", "-"), PartOn(&live, "events", "1\n"),
                           PartOn(&live, "one", "2\n"), PartOn(&stuck, "two", "-")},
                          /*in_front=*/2);
  live.Run();
  EXPECT_EQ(done_, 0);
  dump->GiveUp();
  ASSERT_EQ(done_, 1);
  EXPECT_THAT(Names(), ElementsAre("main", "events", "two", "one"));
  const StateDump::Section& two = result_.sections[2];
  EXPECT_TRUE(two.silent);
  EXPECT_EQ(two.text, "does not answer: its turn has lasted 12s\nseen from outside\n");
  EXPECT_FALSE(result_.sections[3].silent);
  const int described = described_;
  stuck.Run();  // too late: what it would describe may be gone
  EXPECT_EQ(described_, described);
  EXPECT_EQ(done_, 1);
}

TEST_F(StateDumpTest, NamesAThreadThatHasEnded) {
  StatePart part;
  part.name = "ended";
  part.post = [](LoopCallback) { return absl::FailedPreconditionError("closed"); };
  Begin({part});
  ASSERT_EQ(done_, 1);
  EXPECT_EQ(result_.sections[0].text, "its thread has ended\n");
}

TEST_F(StateDumpTest, StaysWithinItsBoundAndCountsWhatHadNoRoom) {
  std::vector<StatePart> parts;
  for (int i = 0; i < 100; ++i) {
    parts.push_back({.name = absl::StrCat("part ", i),
                     .describe = [](size_t most) { return std::string(most - 1, 'x') + "\n"; }});
  }
  Begin(parts, 0, 64 << 10);
  size_t bytes = 0;
  for (const auto& section : result_.sections) bytes += section.name.size() + section.text.size();
  EXPECT_LE(bytes, size_t{64 << 10});
  EXPECT_GT(result_.omitted, 0u);
  EXPECT_EQ(result_.sections.size() + result_.omitted, 100u);

  Begin(parts, 0, 1 << 20);  // each has its share
  EXPECT_THAT(result_.sections, SizeIs(100));
  EXPECT_EQ(result_.omitted, 0u);
  Begin({parts[0]}, 0, 64 << 10);
  EXPECT_THAT(result_.sections, SizeIs(1));
  EXPECT_GT(result_.sections[0].text.size(), size_t{63 << 10});
}

TEST_F(StateDumpTest, EscapesWhatIsNotPrintable) {
  Begin({{.name = "\x1b[1m", .describe = [](size_t) { return std::string("a\x1b[2J\nb\n"); }}});
  EXPECT_EQ(result_.sections[0].name, "\\x1b[1m");
  EXPECT_EQ(result_.sections[0].text, "a\\x1b[2J\nb\n");
}

}  // namespace
}  // namespace proctor::server
