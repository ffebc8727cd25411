#include "server/http/request_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RequestTarget, DecodesThePathAndTheQuery) {
  const auto target = ParseTarget("/v1/a%2Fb?label.k%C3%A9=a+b%2b&x=&y&label.k%C3%A9=2");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->path, "/v1/a/b");
  ASSERT_EQ(target->parameters.size(), 4u);
  EXPECT_EQ(target->parameters[0].name, "label.k\xC3\xA9");
  EXPECT_EQ(target->parameters[0].value, "a b+");
  EXPECT_EQ(target->parameters[1].name, "x");
  EXPECT_EQ(target->parameters[1].value, "");
  EXPECT_EQ(target->parameters[2].name, "y");
  EXPECT_EQ(target->parameters[3].value, "2");
}

TEST(RequestTarget, KeepsPlusInThePath) { EXPECT_EQ(ParseTarget("/a+b")->path, "/a+b"); }

TEST(RequestTarget, SplitsThePathIntoSegments) {
  EXPECT_THAT(ParseTarget("/")->Segments(), IsEmpty());
  EXPECT_THAT(ParseTarget("/v1/processes/x?y=/z")->Segments(), ElementsAre("v1", "processes", "x"));
  EXPECT_THAT(ParseTarget("/v1/")->Segments(), ElementsAre("v1", ""));
}

TEST(RequestTarget, RefusesWhatIsMalformed) {
  for (const char* text : {"",          "*",        "http://host/", "v1",         "//host/x",
                           "/a//b",     "/%2Fhost", "/%",           "/%4",        "/%4g",
                           "/a?b=%",    "/%00",     "/a?b=%00",     "/a%0d%0ab",  "/a%7f",
                           "/%ff",      "/a?b=%c3", "/a?b=%c0%80",  "/%ed%a0%80", "/%f4%90%80%80",
                           "/%e0%80%80"}) {
    const auto target = ParseTarget(text);
    EXPECT_EQ(target.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ErrorReason(target.status()), "MALFORMED_TARGET") << text;
  }
}

TEST(RequestTarget, TakesTextOfAllSizes) {
  EXPECT_EQ(ParseTarget("/a?b=%f0%9f%98%80%e2%82%ac")->parameters[0].value,
            "\xF0\x9F\x98\x80\xE2\x82\xAC");
}

}  // namespace
}  // namespace proctor::server::http
