#include "server/call/page_token.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "proctor/error.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server {
namespace {

constexpr char kFilter[] = "session_id: \"s\"";

TEST(PageToken, BeginsThePageAfterWhatItNames) {
  const auto page = ReadPage(10, MakePageToken(1234567890123, kFilter), kFilter);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->after, 1234567890123u);
  EXPECT_EQ(page->size, 10u);
}

TEST(PageToken, IsOfTheFirstPageWhereThereIsNone) {
  const auto page = ReadPage(0, "", kFilter);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->after, 0u);
  EXPECT_EQ(page->size, 100u);
}

TEST(PageToken, APageHasABound) {
  EXPECT_EQ(ReadPage(1000, "", kFilter)->size, 1000u);
  EXPECT_EQ(ReadPage(1001, "", kFilter)->size, 1000u);
  EXPECT_EQ(ReadPage(1, "", kFilter)->size, 1u);
}

TEST(PageToken, IsOfNoUseForAnotherFilter) {
  const auto page = ReadPage(0, MakePageToken(7, kFilter), "session_id: \"t\"");
  EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorVariables(page.status())["field"], "page_token");
}

TEST(PageToken, ThatWasNotMadeHereIsRefused) {
  const std::string token = MakePageToken(7, kFilter);
  for (const std::string& wrong :
       {std::string("7"), std::string("!!"), token + "AAAA", token.substr(4),
        absl::WebSafeBase64Escape("2:7:1"), absl::WebSafeBase64Escape("1:x:1"),
        absl::WebSafeBase64Escape("1:7"), absl::WebSafeBase64Escape("1:-7:1")}) {
    const auto page = ReadPage(0, wrong, kFilter);
    EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(PageToken, ANegativeSizeIsRefused) {
  const auto page = ReadPage(-1, "", kFilter);
  EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorVariables(page.status())["field"], "page_size");
}

TEST(PageFilter, IsTheRequestWithoutItsPages) {
  v1::ListProcessesRequest first, second;
  first.set_session_id("s");
  (*first.mutable_labels())["b"] = "2";
  (*first.mutable_labels())["a"] = "1";
  first.set_page_size(3);
  second.set_session_id("s");
  (*second.mutable_labels())["a"] = "1";
  (*second.mutable_labels())["b"] = "2";
  second.set_page_size(4);
  second.set_page_token("token");
  EXPECT_EQ(FilterOf(first), FilterOf(second));
  second.set_include_survivors(true);
  EXPECT_NE(FilterOf(first), FilterOf(second));
}

TEST(PageRoom, IsFullBeforeAPageIsLargerThanItsBound) {
  PageRoom room;
  size_t taken = 0;
  while (room.Take(1000)) taken += 1000;
  EXPECT_LE(taken, kMostPageBytes);
  EXPECT_GT(taken, kMostPageBytes - 20000);
  EXPECT_FALSE(room.Take(1000));
}

TEST(PageRoom, TheFirstAlwaysHasRoom) {
  PageRoom room;
  EXPECT_TRUE(room.Take(2 * kMostPageBytes));
  EXPECT_FALSE(room.Take(1));
}

}  // namespace
}  // namespace proctor::server
