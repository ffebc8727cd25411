#include "server/storage/stored_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace proctor::storage {
namespace {

TEST(StoredCommand, IsToldFromAnotherByItsDigestOnly) {
  Command command;
  command.argv = {"a", "b"};
  command.env = {{"NAME", "value"}, {"OTHER", "2"}};
  command.labels = {{"x", "1"}, {"y", "2"}};
  const std::string digest = DigestOf(command);
  EXPECT_EQ(digest.size(), 16u) << digest;
  EXPECT_EQ(DigestOf(Command(command)), digest);
  std::vector<Command> others(5, command);
  others[0].argv = {"a b"};
  others[1].env["NAME"] = "another value";
  others[2].labels["x"] = "2";
  others[3].cwd = "/";
  others[4].overflow = OverflowPolicy::kBlockChild;
  for (const Command& other : others) EXPECT_NE(DigestOf(other), digest);
}

}  // namespace
}  // namespace proctor::storage
