// Hundreds of starts at once, in several sessions. Each process gets what its caller asked for, and
// nothing of the server or of other processes.

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/harness/e2e_test.h"

namespace proctor {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;
using testing::UnorderedElementsAreArray;
using Lines = std::vector<std::string>;

constexpr int kSessions = 4;
#if defined(__SANITIZE_ADDRESS__)
constexpr int kStarts = 200;
#else
constexpr int kStarts = 1000;
#endif

// Returns the lines that begin with this word, without the word.
Lines LinesOf(absl::string_view text, const std::string& word) {
  Lines lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, word + " ")) lines.emplace_back(line);
  }
  return lines;
}

std::string Thrice(unsigned id) { return absl::StrCat(id, " ", id, " ", id); }

// What a process has to report of itself.
struct Expectation {
  Lines env;
  std::string uid;
  std::string gid;
  std::vector<unsigned> groups;
  std::string cwd;
  unsigned umask = 0;
  int nice = 0;
  Lines limits;  // some of them
};

class HygieneE2e : public E2eTest {
 protected:
  // Returns whether a variable, which the test may have, is one that the server does not pass on.
  static bool IsTheServersAlone(std::string_view variable) {
    if (variable.starts_with("PWD=")) {
      std::error_code wrong;
      return !std::filesystem::equivalent(variable.substr(4), ".", wrong) || wrong;
    }
    for (const char* name : {"OLDPWD=", "PROCTOR_", "INVOCATION_ID=", "JOURNAL_STREAM=",
                             "SYSTEMD_EXEC_PID=", "MANAGERPID=", "MEMORY_PRESSURE_"}) {
      if (variable.starts_with(name)) return true;
    }
    return false;
  }

  // The server is a child of the test and inherits this from it.
  static Expectation Inherited() {
    Expectation expected;
    Lines variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (IsTheServersAlone(*variable)) continue;
      variables.push_back(absl::StrCat("env ", *variable));
    }
    expected.env = LinesOf(absl::StrJoin(variables, "\n"), "env");
    expected.uid = Thrice(::geteuid());
    expected.gid = Thrice(::getegid());
    gid_t groups[1024];
    const int count = ::getgroups(1024, groups);
    expected.groups.assign(groups, groups + std::max(count, 0));
    char* cwd = ::getcwd(nullptr, 0);
    expected.cwd = cwd;
    ::free(cwd);
    expected.umask = ::umask(0);
    ::umask(static_cast<mode_t>(expected.umask));
    expected.nice = ::getpriority(PRIO_PROCESS, 0);
    return expected;
  }

  // A specification with every field, of another user, and different for each process.
  static v1::ProcessSpec OfUser(const passwd& user, int number, Expectation* expected) {
    v1::ProcessSpec spec = Spec("probe_environment");
    spec.mutable_user()->set_user(user.pw_name);
    spec.set_env_base(v1::ENVIRONMENT_BASE_CLEAR);
    (*spec.mutable_env())["NUMBER"] = absl::StrCat(number);
    (*spec.mutable_env())["EMPTY"] = "";
    spec.set_cwd("/");
    spec.set_umask(static_cast<unsigned>(number) % 0777);
    spec.set_nice(number % 10);
    const auto add_limit = [&](const char* name, __rlimit_resource resource, uint64_t soft,
                               uint64_t hard) {
      v1::ResourceLimit* limit = spec.add_rlimits();
      limit->set_resource(name);
      limit->set_soft(soft);
      limit->set_hard(hard);
      expected->limits.push_back(absl::StrFormat("%d %d %d", resource, soft, hard));
    };
    add_limit("nofile", RLIMIT_NOFILE, 64 + static_cast<uint64_t>(number) % 100, 256);
    add_limit("core", RLIMIT_CORE, 0, 0);
    add_limit("cpu", RLIMIT_CPU, 100, 200 + static_cast<uint64_t>(number));

    expected->env = {absl::StrCat("NUMBER=", number),        "EMPTY=",
                     absl::StrCat("HOME=", user.pw_dir),     absl::StrCat("USER=", user.pw_name),
                     absl::StrCat("LOGNAME=", user.pw_name), absl::StrCat("SHELL=", user.pw_shell)};
    expected->uid = Thrice(user.pw_uid);
    expected->gid = Thrice(user.pw_gid);
    gid_t groups[1024];
    int count = 1024;
    EXPECT_GE(::getgrouplist(user.pw_name, user.pw_gid, groups, &count), 0);
    expected->groups.assign(groups, groups + count);
    expected->cwd = "/";
    expected->umask = spec.umask();
    expected->nice = std::min(19, ::getpriority(PRIO_PROCESS, 0) + spec.nice());
    return spec;
  }

  static void ExpectClean(const std::string& text, const Expectation& expected) {
    EXPECT_THAT(LinesOf(text, "fd"), testing::UnorderedElementsAre(
                                         "0 blocking /dev/null", MatchesRegex("1 blocking pipe:.*"),
                                         MatchesRegex("2 blocking pipe:.*")));
    EXPECT_THAT(LinesOf(text, "env"), UnorderedElementsAreArray(expected.env));
    EXPECT_THAT(LinesOf(text, "uid"), ElementsAre(expected.uid));
    EXPECT_THAT(LinesOf(text, "gid"), ElementsAre(expected.gid));
    std::vector<unsigned> groups;
    for (const std::string& line : LinesOf(text, "groups")) {
      for (const auto word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
        groups.push_back(static_cast<unsigned>(std::stoul(std::string(word))));
      }
    }
    EXPECT_THAT(groups, UnorderedElementsAreArray(expected.groups));
    EXPECT_THAT(LinesOf(text, "cwd"), ElementsAre(expected.cwd));
    EXPECT_THAT(LinesOf(text, "umask"), ElementsAre(absl::StrFormat("%04o", expected.umask)));
    EXPECT_THAT(LinesOf(text, "nice"), ElementsAre(absl::StrCat(expected.nice)));
    EXPECT_THAT(LinesOf(text, "limit"), testing::IsSupersetOf(expected.limits));
    EXPECT_THAT(LinesOf(text, "no_new_privs"), ElementsAre("1"));
    EXPECT_EQ(LinesOf(text, "sid"), LinesOf(text, "pid"));
    EXPECT_EQ(LinesOf(text, "pgid"), LinesOf(text, "pid"));
    for (const char* set : {"blocked", "ignored", "caught", "pending"}) {
      EXPECT_THAT(LinesOf(text, set), ElementsAre("0000000000000000")) << set;
    }
  }

  // Starts all of them at once. Returns their ids.
  Lines StartAll(const std::vector<v1::ProcessSpec>& specs) {
    Lines sessions;
    for (int i = 0; i < kSessions; ++i) {
      grpc::ClientContext context;
      v1::CreateSessionResponse response;
      EXPECT_TRUE(sessions_->CreateSession(&context, {}, &response).ok());
      sessions.push_back(response.session().session_id());
    }
    struct Call {
      grpc::ClientContext context;
      v1::StartProcessResponse response;
      grpc::Status status;
      std::unique_ptr<grpc::ClientAsyncResponseReader<v1::StartProcessResponse>> reader;
    };
    std::vector<Call> calls(specs.size());
    grpc::CompletionQueue queue;
    for (size_t i = 0; i < specs.size(); ++i) {
      v1::StartProcessRequest request;
      request.set_session_id(sessions[i % kSessions]);
      *request.mutable_spec() = specs[i];
      calls[i].reader = processes_->AsyncStartProcess(&calls[i].context, request, &queue);
      calls[i].reader->Finish(&calls[i].response, &calls[i].status, nullptr);
    }
    void* tag;
    bool ok;
    for (size_t i = 0; i < specs.size(); ++i) queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    Lines ids;
    for (const Call& call : calls) {
      EXPECT_TRUE(call.status.ok()) << call.status.error_message();
      ids.push_back(call.response.process().process_id());
    }
    return ids;
  }

  void ExpectAllClean(const std::vector<v1::ProcessSpec>& specs,
                      const std::vector<Expectation>& expected) {
    const Lines ids = StartAll(specs);
    for (size_t i = 0; i < ids.size() && !HasFailure(); ++i) {
      SCOPED_TRACE(specs[i].ShortDebugString());
      EXPECT_EQ(Wait(ids[i]).exit_status().exit_code(), 0);
      ExpectClean(Attach(ids[i]).out, expected[i]);
    }
  }
};

TEST_F(HygieneE2e, AThousandStartsAtOnceLeakNothingIntoEachOther) {
  ExpectAllClean(std::vector<v1::ProcessSpec>(kStarts, Spec("probe_environment")),
                 std::vector<Expectation>(kStarts, Inherited()));
}

TEST_F(HygieneE2e, AThousandStartsAtOnceHalfOfThemOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: no process of another user can be had";
  const passwd* nobody = ::getpwnam("nobody");
  if (nobody == nullptr) GTEST_SKIP() << "this machine has no user 'nobody'";
  if (::system("setpriv --reuid nobody --clear-groups test -x " PROCTOR_TEST_PROGRAMS) != 0) {
    GTEST_SKIP() << "the user 'nobody' may not enter " << PROCTOR_TEST_PROGRAMS;
  }
  std::vector<v1::ProcessSpec> specs(kStarts, Spec("probe_environment"));
  std::vector<Expectation> expected(kStarts, Inherited());
  for (int i = 0; i < kStarts; i += 2) {
    expected[i] = {};
    specs[i] = OfUser(*nobody, i, &expected[i]);
  }
  ExpectAllClean(specs, expected);
}

}  // namespace
}  // namespace proctor
