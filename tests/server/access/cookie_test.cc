#include "server/access/cookie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proctor::server::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Cookie, IsFoundByItsName) {
  EXPECT_THAT(FindCookies("a=b; proctor_1=c;proctor_12=d", "proctor_1"), ElementsAre("c"));
  EXPECT_THAT(FindCookies("a=b", "proctor_1"), IsEmpty());
  EXPECT_THAT(FindCookies("", "proctor_1"), IsEmpty());
}

TEST(Cookie, IsFoundBesideOthersOfItsName) {
  EXPECT_THAT(FindCookies("a=1=2; b=3; a=", "a"), ElementsAre("1=2", ""));
}

TEST(Cookie, IsHiddenFromScriptsAndOtherSites) {
  EXPECT_EQ(FormatCookie("a", "b", false), "a=b; HttpOnly; SameSite=Strict; Path=/");
  EXPECT_EQ(FormatCookie("a", "b", true), "a=b; HttpOnly; SameSite=Strict; Path=/; Secure");
  EXPECT_EQ(FormatCookieEnd("a", false), "a=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
}

}  // namespace
}  // namespace proctor::server::http
