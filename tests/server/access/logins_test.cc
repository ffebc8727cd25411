#include "server/access/logins.h"

#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

class LoginsTest : public ::testing::Test {
 protected:
  LoginsTest() { logins_.OpenAt("http://127.0.0.1:7878/"); }

  std::string NewCode() { return logins_.NewLink(Role::kAct)->code; }
  Logins::Secrets LogIn(const std::vector<std::string_view>& cookies = {}) {
    return *logins_.LogIn(NewCode(), cookies);
  }
  bool IsIn(const Logins::Secrets& secrets) {
    return logins_.Find(secrets.cookie, secrets.proof).has_value();
  }

  absl::Duration now_ = absl::Hours(1);
  Logins logins_{[this] { return now_; }};
};

TEST_F(LoginsTest, LinksToThePage) {
  const auto link = logins_.NewLink(Role::kAct);
  ASSERT_TRUE(link.ok());
  EXPECT_EQ(link->url, "http://127.0.0.1:7878/#code=" + link->code);
  EXPECT_GE(link->code.size(), 22u);  // 128 bits, at 6 bits a character
  EXPECT_NE(NewCode(), NewCode());
}

TEST_F(LoginsTest, HasNoLinkWithoutAPage) {
  Logins without;
  const auto link = without.NewLink(Role::kAct);
  EXPECT_EQ(link.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(link.status()), "NO_DASHBOARD");
}

TEST_F(LoginsTest, TakesACodeOnce) {
  const std::string code = NewCode();
  EXPECT_FALSE(logins_.LogIn(code + "x").has_value());
  EXPECT_FALSE(logins_.LogIn("").has_value());
  EXPECT_TRUE(logins_.LogIn(code).has_value());
  EXPECT_FALSE(logins_.LogIn(code).has_value());
}

TEST_F(LoginsTest, TakesACodeForTenMinutes) {
  const std::string first = NewCode();
  now_ += Logins::kCodeLife - absl::Nanoseconds(1);
  const std::string second = NewCode();
  EXPECT_TRUE(logins_.LogIn(first).has_value());
  now_ += Logins::kCodeLife;
  EXPECT_FALSE(logins_.LogIn(second).has_value());
}

TEST_F(LoginsTest, ForgetsTheOldestOfTooManyCodes) {
  const std::string first = NewCode();
  const std::string second = NewCode();
  for (size_t i = 1; i < Logins::kMostCodes; ++i) NewCode();
  EXPECT_FALSE(logins_.LogIn(first).has_value());
  EXPECT_TRUE(logins_.LogIn(second).has_value());
}

TEST_F(LoginsTest, WantsBothSecrets) {
  const Logins::Secrets one = LogIn();
  const Logins::Secrets other = LogIn();
  EXPECT_TRUE(IsIn(one));
  EXPECT_TRUE(IsIn(other));
  EXPECT_NE(one.cookie, other.cookie);
  for (const Logins::Secrets& wrong :
       {Logins::Secrets{one.cookie, ""}, Logins::Secrets{"", one.proof}, Logins::Secrets{"", ""},
        Logins::Secrets{one.cookie, other.proof}, Logins::Secrets{one.cookie, one.cookie},
        Logins::Secrets{one.cookie, one.proof + "0"}}) {
    EXPECT_FALSE(IsIn(wrong));
  }
}

TEST_F(LoginsTest, IsNoLoginOfAnotherServer) {
  const Logins::Secrets mine = LogIn();
  Logins other;
  EXPECT_FALSE(other.Find(mine.cookie, mine.proof).has_value());
}

TEST_F(LoginsTest, EndsTwelveHoursAfterItsLastUse) {
  const Logins::Secrets secrets = LogIn();
  const auto id = logins_.Find(secrets.cookie, secrets.proof);
  ASSERT_TRUE(id.has_value());
  now_ += Logins::kLoginLife - absl::Nanoseconds(1);
  EXPECT_TRUE(logins_.IsOpen(*id));
  EXPECT_TRUE(IsIn(secrets));  // a use
  now_ += Logins::kLoginLife - absl::Nanoseconds(1);
  EXPECT_TRUE(logins_.IsOpen(*id));  // none
  now_ += absl::Nanoseconds(1);
  EXPECT_FALSE(logins_.IsOpen(*id));
  EXPECT_FALSE(IsIn(secrets));
  EXPECT_EQ(logins_.size(), 0u);
}

TEST_F(LoginsTest, EndsWhereItIsToldTo) {
  const Logins::Secrets secrets = LogIn();
  const Logins::Secrets other = LogIn();
  logins_.LogOut(*logins_.Find(secrets.cookie, secrets.proof));
  EXPECT_FALSE(IsIn(secrets));
  EXPECT_TRUE(IsIn(other));
}

TEST_F(LoginsTest, IsSharedByTheTabsOfABrowser) {
  const Logins::Secrets first = LogIn();
  const Logins::Secrets second = LogIn({"of another server", first.cookie});
  EXPECT_EQ(second.cookie, first.cookie);
  EXPECT_EQ(second.proof, first.proof);
  EXPECT_EQ(logins_.size(), 1u);
}

TEST_F(LoginsTest, TakesNoCookieOfSomebodyElsesChoice) {
  EXPECT_NE(LogIn({"planted"}).cookie, "planted");
  const Logins::Secrets ended = LogIn();
  now_ += Logins::kLoginLife;
  EXPECT_NE(LogIn({ended.cookie}).cookie, ended.cookie);
}

TEST_F(LoginsTest, EndsTheLeastUsedOfTooMany) {
  const Logins::Secrets first = LogIn();
  now_ += absl::Seconds(1);
  const Logins::Secrets second = LogIn();
  now_ += absl::Seconds(1);
  EXPECT_TRUE(IsIn(first));
  for (size_t i = 2; i <= Logins::kMostLogins; ++i) {
    now_ += absl::Seconds(1);
    LogIn();
  }
  EXPECT_EQ(logins_.size(), Logins::kMostLogins);
  EXPECT_TRUE(IsIn(first));
  EXPECT_FALSE(IsIn(second));
}

TEST_F(LoginsTest, DoesWhatItsLinksAllow) {
  const auto log_in = [this](Role role, const std::vector<std::string_view>& cookies = {}) {
    return *logins_.LogIn(logins_.NewLink(role)->code, cookies);
  };
  const auto may_act = [this](const Logins::Secrets& secrets) {
    return logins_.MayAct(*logins_.Find(secrets.cookie, secrets.proof));
  };
  const Logins::Secrets looks = log_in(Role::kLook);
  EXPECT_EQ(looks.role, Role::kLook);
  EXPECT_FALSE(may_act(looks));
  const Logins::Secrets acts = log_in(Role::kAct);
  EXPECT_EQ(acts.role, Role::kAct);
  EXPECT_TRUE(may_act(acts));
  // The same browser, whichever link comes first.
  EXPECT_EQ(log_in(Role::kLook, {acts.cookie}).role, Role::kAct);
  EXPECT_TRUE(may_act(acts));
  EXPECT_EQ(log_in(Role::kLook, {looks.cookie}).cookie, looks.cookie);
  EXPECT_EQ(log_in(Role::kAct, {looks.cookie}).role, Role::kAct);
  EXPECT_EQ(log_in(Role::kAct, {looks.cookie, acts.cookie}).cookie, acts.cookie);
  const Logins::Id id = *logins_.Find(acts.cookie, acts.proof);
  logins_.LogOut(id);
  EXPECT_FALSE(logins_.MayAct(id));
}

// Who may look knows both secrets of a login, and can put its cookie into the browser of another:
// cookies know no ports.
TEST_F(LoginsTest, NeverActsByALinkOfSomebodyElse) {
  const Logins::Secrets planted = *logins_.LogIn(logins_.NewLink(Role::kLook)->code);
  const Logins::Secrets mine = LogIn({planted.cookie});
  EXPECT_NE(mine.cookie, planted.cookie);
  EXPECT_NE(mine.proof, planted.proof);
  EXPECT_TRUE(logins_.MayAct(*logins_.Find(mine.cookie, mine.proof)));
  EXPECT_FALSE(logins_.MayAct(*logins_.Find(planted.cookie, planted.proof)));
}

TEST_F(LoginsTest, HasANameThatOpensNothing) {
  const Logins::Secrets mine = LogIn();
  EXPECT_EQ(mine.name.size(), 8u);
  EXPECT_EQ(mine.name, Logins::NameOf(*logins_.Find(mine.cookie, mine.proof)));
  EXPECT_EQ(mine.cookie.find(mine.name), std::string::npos);
}

}  // namespace
}  // namespace proctor::server::http
