#include "core/spawn/executable_search.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

using testing::ElementsAre;

TEST(ExecutableSearchTest, TakesAPathAsItIs) {
  EXPECT_THAT(ExecutableCandidates("/bin/ls", "/usr/bin"), ElementsAre("/bin/ls"));
  EXPECT_THAT(ExecutableCandidates("./ls", "/usr/bin"), ElementsAre("./ls"));
  EXPECT_THAT(ExecutableCandidates("bin/ls", std::nullopt), ElementsAre("bin/ls"));
}

TEST(ExecutableSearchTest, TriesEachEntryInOrder) {
  EXPECT_THAT(ExecutableCandidates("ls", "/a:b:/c/"), ElementsAre("/a/ls", "b/ls", "/c//ls"));
}

TEST(ExecutableSearchTest, TakesAnEmptyEntryForTheWorkingDirectory) {
  EXPECT_THAT(ExecutableCandidates("ls", ""), ElementsAre("ls"));
  EXPECT_THAT(ExecutableCandidates("ls", ":/a"), ElementsAre("ls", "/a/ls"));
  EXPECT_THAT(ExecutableCandidates("ls", "/a::/b:"), ElementsAre("/a/ls", "ls", "/b/ls", "ls"));
}

TEST(ExecutableSearchTest, HasAUsualPath) {
  EXPECT_THAT(ExecutableCandidates("ls", std::nullopt),
              ElementsAre("/usr/local/sbin/ls", "/usr/local/bin/ls", "/usr/sbin/ls", "/usr/bin/ls",
                          "/sbin/ls", "/bin/ls"));
}

TEST(ExecutableSearchTest, PassesOverWhatIsTooLong) {
  EXPECT_THAT(ExecutableCandidates("ls", absl::StrCat(std::string(5000, 'x'), ":/a")),
              ElementsAre("/a/ls"));
}

}  // namespace
}  // namespace proctor
