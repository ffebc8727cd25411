#include "server/storage/stored.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proctor/v1/event.pb.h"
#include "server/wire/event.h"
#include "server/wire/process.h"
#include "server/wire/session.h"

namespace proctor::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr absl::Time kTime = absl::FromUnixNanos(1700000000123456789);

// The fields of a message and of those in it that are not set, but `left_out`: what a sample
// has to have, so that a field that is added to the contract is added to the sample.
void FindUnset(const Message& message, const std::string& path, std::set<std::string>& unset) {
  const Reflection* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    if (field->is_repeated()) {
      if (reflection->FieldSize(message, field) == 0) unset.insert(name);
      const bool plain = field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map();
      for (int j = 0; !plain && j < reflection->FieldSize(message, field); ++j) {
        FindUnset(reflection->GetRepeatedMessage(message, field, j), name, unset);
      }
    } else if (!reflection->HasField(message, field)) {
      const bool chosen_otherwise = field->real_containing_oneof() != nullptr &&
                                    reflection->HasOneof(message, field->real_containing_oneof());
      if (!chosen_otherwise) unset.insert(name);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               field->message_type()->file()->package() != "google.protobuf") {
      FindUnset(reflection->GetMessage(message, field), name, unset);
    }
  }
}

void ExpectAllSet(const Message& message, const std::set<std::string>& left_out = {}) {
  std::set<std::string> unset;
  FindUnset(message, "", unset);
  EXPECT_EQ(absl::StrJoin(unset, " "), absl::StrJoin(left_out, " "));
}

OutputTotals MakeTotals() {
  OutputTotals totals;
  totals[0] = {true, 1000, 10, true};
  totals[1] = {true, 2000, 20, true};
  return totals;
}

ExitStatus MakeExit() {
  ExitStatus status;
  status.wait.source = StatusSource::kWaited;
  status.wait.signal = SIGSEGV;
  status.wait.core_dumped = true;
  status.wait.has_usage = true;
  status.wait.usage = {
      absl::Microseconds(1000001), absl::Microseconds(2000002), 3, 4, 5, 6, 7, 8, 9, 10};
  status.cause = ExitCause::kClientSignal;
  status.requested_by = "unix:somebody";
  status.started_at = kTime;
  status.exited_at = kTime + absl::Nanoseconds(1500000001);
  status.duration = absl::Nanoseconds(1500000007);
  status.output = MakeTotals();
  status.watcher = "pidfd";
  return status;
}

OutputDrained MakeDrained() {
  return {DrainReason::kGraceExpired,
          {{123, "sleep"}, {456, "a name"}},
          MakeTotals(),
          kTime + absl::Seconds(2)};
}

// A command with everything; values of environments are not kept.
Command MakeCommand() {
  Command command;
  command.name = "web-1";
  command.argv = {"/bin/echo", "", "zwei W\xc3\xb6rter", "--x=y"};
  command.cwd = "/tmp";
  command.env = {{"NAME", ""}, {"OTHER", ""}};
  command.env_base = EnvironmentBase::kClear;
  command.stdin_mode = StdioMode::kPipe;
  command.stdout_mode = StdioMode::kPipe;
  command.stderr_mode = StdioMode::kMerged;
  command.user = {"nobody", "nogroup", {"1", "2"}, true};
  command.umask = 027;
  command.nice = 3;
  command.oom_score_adj = -17;
  command.rlimits = {{"nofile", 100, 200}, {"core", 300, 400}};
  command.cgroup = {1 << 20, 1.5, 10, 1 << 21, 50};
  command.run_timeout = absl::Milliseconds(1500);
  command.idle_timeout = absl::Milliseconds(2500);
  command.drain_grace = absl::Milliseconds(3500);
  command.stop_policy = {SIGINT, absl::Milliseconds(4500), SignalScope::kTree};
  command.retain_bytes = 12345;
  command.overflow = OverflowPolicy::kBlockChild;
  command.labels = {{"a", "1"}, {"b", "2"}};
  return command;
}

ProcessInfo MakeProcess() {
  ProcessInfo info;
  info.id = "process";
  info.session_id = "session";
  info.command = std::make_shared<const Command>(MakeCommand());
  info.pid = 4711;
  info.state = ProcessState::kDrained;
  info.started_at = kTime;
  info.exit_status = MakeExit();
  info.drained = MakeDrained();
  info.watcher = "threaded";
  info.output = MakeTotals();
  info.stdin_bytes = 99;
  info.stdin_open = true;
  info.tree_mechanism = TreeMechanism::kCgroup;
  info.tree_empty = true;
  return info;
}

SessionInfo MakeSession() {
  SessionInfo info;
  info.id = "session";
  info.state = SessionState::kClosing;
  info.policy = "proactor";
  info.watcher = "pidfd";
  info.loop = "epoll";
  info.is_default = true;
  info.labels = {{"a", "1"}};
  info.created_at = kTime;
  info.lease = absl::Milliseconds(60500);
  info.lease_expires_at = kTime + info.lease;
  info.on_lease_expiry = LeaseExpiry::kKeep;
  info.quota = {7, 1 << 30};
  return info;
}

SessionOpened MakeOpened() {
  const SessionInfo info = MakeSession();
  SessionOpened opened;
  opened.policy = info.policy;
  opened.watcher = info.watcher;
  opened.loop = info.loop;
  opened.is_default = true;
  opened.lease = info.lease;
  opened.lease_expires_at = info.lease_expires_at;
  opened.on_lease_expiry = LeaseExpiry::kKeep;
  opened.max_running_processes = 7;
  opened.max_output_bytes = 8;
  return opened;
}

ProcessUpdated MakeUpdated() {
  ProcessUpdated updated;
  updated.process = {4711, {"/bin/echo", "x"}, "/tmp", "pidfd"};
  updated.state = ProcessState::kDrained;
  updated.started_at = kTime;
  updated.exit_status = MakeExit();
  updated.drained = MakeDrained();
  updated.retain_bytes = 12345;
  updated.overflow = OverflowPolicy::kBlockChild;
  return updated;
}

// The event as it is told after a restart: the log gives back what is kept beside the body.
v1::Event KeptAndTold(const Event& event) {
  const EventCodec codec = MakeEventCodec();
  Event before = event;  // the log encodes it before it has a place
  before.sequence = 0;
  before.time = absl::Time();
  const auto decoded = codec.decode(codec.encode(before));
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (!decoded.ok()) return {};
  Event kept = *decoded;
  kept.sequence = event.sequence;
  kept.time = event.time;
  kept.session_id = event.session_id;
  kept.process_id = event.process_id;
  EXPECT_EQ(kept.labels, event.labels);
  EXPECT_EQ(kept.detail.index(), event.detail.index());
  return ToProto(kept, "log");
}

void ExpectTheSame(const Event& event) {
  const v1::Event told = ToProto(event, "log");
  const v1::Event kept = KeptAndTold(event);
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(told, kept)) << differences;
}

Event MakeEvent(EventDetail detail) {
  return {.sequence = 42,
          .time = kTime,
          .session_id = "session",
          .process_id = "process",
          .labels = {{"a", "1"}, {"b", "2"}},
          .detail = std::move(detail)};
}

TEST(StoredEvents, EveryKindIsToldAsItWas) {
  const EventDetail details[] = {
      MakeOpened(),
      SessionClosed{CloseReason::kLeaseExpired},
      ProcessStarted{4711, {"/bin/echo", "", "x"}, "/tmp", "pidfd", 3, 4096},
      ProcessExited{MakeExit()},
      MakeDrained(),
      ProcessSignalled{SIGUSR1, SignalScope::kTree, "unix:somebody"},
      ProcessOom{3},
      MakeUpdated(),
      ProcessRemoved{RemovalReason::kRetention},
      WatcherChanged{"pidfd", "threaded"},
      ServerDraining{},
  };
  static_assert(std::size(details) == std::variant_size_v<EventDetail>);
  std::set<size_t> kinds;
  for (const EventDetail& detail : details) {
    SCOPED_TRACE(detail.index());
    kinds.insert(detail.index());
    ExpectTheSame(MakeEvent(detail));
  }
  EXPECT_EQ(kinds.size(), std::size(details));
}

TEST(StoredEvents, TheSamplesHaveEveryField) {
  ExpectAllSet(ToProto(MakeEvent(ProcessExited{MakeExit()}), "log"));
  ExpectAllSet(ToProto(MakeEvent(MakeDrained()), "log"));
  ExpectAllSet(
      ToProto(MakeEvent(ProcessSignalled{SIGUSR1, SignalScope::kTree, "somebody"}), "log"));
  ExpectAllSet(ToProto(MakeEvent(ProcessOom{3}), "log"));
  ExpectAllSet(ToProto(MakeEvent(WatcherChanged{"a", "b"}), "log"));
  ExpectAllSet(
      ToProto(MakeEvent(MakeOpened()), "log"),
      {"session_opened.session.ended_processes", "session_opened.session.running_processes"});
}

TEST(StoredEvents, EveryEndIsToldAsItWas) {
  ExitStatus zero = MakeExit();  // nothing but what is always there
  zero.wait = WaitStatus{.source = StatusSource::kWaited};
  zero.requested_by = "";
  zero.output = {};
  ExpectTheSame(MakeEvent(ProcessExited{zero}));
  for (const int code : {1, 127, 255}) {
    ExitStatus status = zero;
    status.wait.exit_code = code;
    ExpectTheSame(MakeEvent(ProcessExited{status}));
  }
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    ExitStatus status = zero;
    status.wait.signal = signal;
    ExpectTheSame(MakeEvent(ProcessExited{status}));
  }
  for (const char* reason : {"SERVER_LOST", "REAPED_ELSEWHERE"}) {
    ExitStatus status = zero;
    status.wait = WaitStatus{.source = StatusSource::kUnknown, .reason = reason};
    ExpectTheSame(MakeEvent(ProcessExited{status}));
  }
  ExitStatus recovered = MakeExit();
  recovered.wait.source = StatusSource::kRecovered;
  ExpectTheSame(MakeEvent(ProcessExited{recovered}));
  for (int cause = 0; cause <= static_cast<int>(ExitCause::kCrashed); ++cause) {
    ExitStatus status = MakeExit();
    status.cause = static_cast<ExitCause>(cause);
    ExpectTheSame(MakeEvent(ProcessExited{status}));
  }
  for (int stream = 0; stream < kOutputStreams; ++stream) {  // one alone is piped
    ExitStatus status = MakeExit();
    status.output[stream] = {};
    status.output[1 - stream].eof = false;
    ExpectTheSame(MakeEvent(ProcessExited{status}));
  }
  for (const DrainReason reason :
       {DrainReason::kEof, DrainReason::kGraceExpired, DrainReason::kServerLost}) {
    OutputDrained drained = MakeDrained();
    drained.reason = reason;
    ExpectTheSame(MakeEvent(drained));
  }
}

TEST(StoredEvents, EverySignalIsToldAsItWas) {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    SCOPED_TRACE(signal);
    for (const SignalScope scope :
         {SignalScope::kLeader, SignalScope::kGroup, SignalScope::kTree}) {
      ExpectTheSame(MakeEvent(ProcessSignalled{signal, scope, "somebody"}));
    }
  }
}

TEST(StoredEvents, SessionsWithoutALeaseAndOfTheLongestAreToldAsTheyWere) {
  SessionOpened opened = MakeOpened();
  opened.lease = absl::InfiniteDuration();
  opened.lease_expires_at = absl::InfiniteFuture();
  opened.on_lease_expiry = LeaseExpiry::kKill;
  ExpectTheSame(MakeEvent(opened));
  opened.lease = absl::Seconds(315576000000);
  opened.lease_expires_at = kTime + opened.lease;
  ExpectTheSame(MakeEvent(opened));
}

// Anybody may give a process such a name: prctl(PR_SET_NAME).
TEST(StoredEvents, ANameThatIsNotUtf8CanBeReadAgain) {
  OutputDrained drained = MakeDrained();
  drained.holders = {{1, "\xff\xfe"}, {2, "caf\xe9"}, {3, "\xe2\x82"}, {4, "W\xc3\xb6rter"}};
  ExpectTheSame(MakeEvent(drained));
  const v1::Event told = ToProto(MakeEvent(drained), "log");
  v1::Event received;  // as a client does it
  ASSERT_TRUE(received.ParseFromString(told.SerializeAsString()));
  EXPECT_EQ(received.output_drained().holders(0).command(), "??");
  EXPECT_EQ(received.output_drained().holders(1).command(), "caf?");
  EXPECT_EQ(received.output_drained().holders(3).command(), "W\xc3\xb6rter");
}

TEST(StoredEvents, WhatIsNoEventIsSaidToBeUnreadable) {
  const EventCodec codec = MakeEventCodec();
  for (const std::string& body : {std::string("\xff\xff garbage"), std::string()}) {
    EXPECT_EQ(codec.decode(body).status().code(), absl::StatusCode::kDataLoss);
  }
}

// ---- Processes and sessions. ----------------------------------------------

void ExpectTheSame(const ProcessInfo& info) {
  const StateCodec codec = MakeStateCodec();
  const auto decoded = codec.decode_process(codec.encode_process(info));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->id, info.id);
  EXPECT_EQ(decoded->session_id, info.session_id);
  EXPECT_TRUE(*decoded->command == *info.command);
  EXPECT_EQ(decoded->pid, info.pid);
  EXPECT_EQ(decoded->state, info.state);
  EXPECT_EQ(decoded->started_at, info.started_at);
  EXPECT_TRUE(decoded->exit_status == info.exit_status);
  EXPECT_TRUE(decoded->drained == info.drained);
  EXPECT_EQ(decoded->watcher, info.watcher);
  EXPECT_TRUE(decoded->output == info.output);
  EXPECT_EQ(decoded->stdin_bytes, info.stdin_bytes);
  EXPECT_EQ(decoded->stdin_open, info.stdin_open);
  EXPECT_EQ(decoded->tree_mechanism, info.tree_mechanism);
  EXPECT_EQ(decoded->tree_empty, info.tree_empty);
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(ToProto(info), ToProto(*decoded))) << differences;
}

TEST(StoredProcesses, EveryFieldComesBack) {
  ExpectTheSame(MakeProcess());
  ProcessInfo running = MakeProcess();
  running.state = ProcessState::kRunning;
  running.exit_status.reset();
  running.drained.reset();
  running.tree_mechanism = TreeMechanism::kWalk;
  running.tree_empty = running.stdin_open = false;
  ExpectTheSame(running);
  ProcessInfo exited = MakeProcess();
  exited.state = ProcessState::kExited;
  exited.drained.reset();
  exited.tree_mechanism = TreeMechanism::kGroup;
  ExpectTheSame(exited);
  // In place of what is set; set where something is left out; found out when it is asked for.
  ExpectAllSet(ToWholeProto(MakeProcess()),
               {"output_place", "spec.pty", "spec_omitted", "survivors"});
}

TEST(StoredProcesses, EveryCommandThatCanBeStartedComesBack) {
  const auto expect = [](const Command& command) {
    ASSERT_TRUE(ValidateCommand(command).ok()) << ValidateCommand(command);
    ProcessInfo info = MakeProcess();
    info.command = std::make_shared<const Command>(command);
    ExpectTheSame(info);
  };
  Command plain;
  plain.argv = {"true"};
  expect(plain);
  Command terminal = plain;
  terminal.terminal = TerminalOptions{{50, 100, 800, 600}, "dumb"};
  expect(terminal);
  terminal.terminal = TerminalOptions{};
  expect(terminal);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    SCOPED_TRACE(signal);
    Command command = plain;
    command.stop_policy.signal = signal;
    if (ValidateCommand(command).ok()) expect(command);
  }
  for (const StdioMode mode : {StdioMode::kPipe, StdioMode::kNull}) {
    Command command = plain;
    command.stdin_mode = command.stdout_mode = command.stderr_mode = mode;
    expect(command);
  }
  Command zero = plain;
  zero.stop_policy.grace = absl::ZeroDuration();
  zero.stop_policy.scope = SignalScope::kLeader;
  zero.drain_grace = absl::ZeroDuration();
  zero.umask = 0;
  zero.cgroup.swap_bytes = 0;
  zero.rlimits = {{"nofile", 0, 0}, {"core", std::nullopt, std::nullopt}};
  expect(zero);
  Command long_times = plain;
  long_times.run_timeout = long_times.idle_timeout = long_times.stop_policy.grace =
      absl::Seconds(315576000000);
  expect(long_times);
  Command small = plain;
  for (const uint64_t bytes : {uint64_t{1}, uint64_t{4096}, uint64_t{1} << 30}) {
    small.retain_bytes = bytes;
    if (ValidateCommand(small).ok()) expect(small);
  }
}

TEST(StoredProcesses, ValuesOfEnvironmentsAreNotKept) {
  ProcessInfo info = MakeProcess();
  Command command = MakeCommand();
  command.env = {{"SECRET", "hunter2"}};
  info.command = std::make_shared<const Command>(command);
  EXPECT_EQ(MakeStateCodec().encode_process(info).find("hunter2"), std::string::npos);
}

TEST(StoredSessions, EveryFieldComesBack) {
  const StateCodec codec = MakeStateCodec();
  for (const SessionState state :
       {SessionState::kOpen, SessionState::kClosing, SessionState::kClosed}) {
    for (const bool lease : {true, false}) {
      SessionInfo info = MakeSession();
      info.state = state;
      if (!lease) {
        info.lease = absl::InfiniteDuration();
        info.lease_expires_at = absl::InfiniteFuture();
        info.on_lease_expiry = LeaseExpiry::kKill;
      }
      const auto decoded = codec.decode_session(codec.encode_session(info));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(decoded->id, info.id);
      EXPECT_EQ(decoded->state, info.state);
      EXPECT_EQ(decoded->policy, info.policy);
      EXPECT_EQ(decoded->watcher, info.watcher);
      EXPECT_EQ(decoded->loop, info.loop);
      EXPECT_EQ(decoded->is_default, info.is_default);
      EXPECT_EQ(decoded->labels, info.labels);
      EXPECT_EQ(decoded->created_at, info.created_at);
      EXPECT_EQ(decoded->lease, info.lease);
      EXPECT_EQ(decoded->lease_expires_at, info.lease_expires_at);
      EXPECT_EQ(decoded->on_lease_expiry, info.on_lease_expiry);
      EXPECT_TRUE(decoded->quota == info.quota);
    }
  }
  // How many processes there are is counted, not kept.
  ExpectAllSet(ToProto(MakeSession(), {}), {"ended_processes", "running_processes"});
}

TEST(StoredStates, WhatIsNoneIsSaidToBeUnreadable) {
  const StateCodec codec = MakeStateCodec();
  EXPECT_FALSE(codec.decode_process("\xff garbage").ok());
  EXPECT_FALSE(codec.decode_session("\xff garbage").ok());
  EXPECT_FALSE(codec.decode_process("").ok());
}

TEST(StoredCommand, IsToldFromAnotherByItsDigestOnly) {
  const StateCodec codec = MakeStateCodec();
  Command command;
  command.argv = {"a", "b"};
  command.env = {{"NAME", "value"}, {"OTHER", "2"}};
  command.labels = {{"x", "1"}, {"y", "2"}};
  const std::string digest = codec.digest(command);
  EXPECT_EQ(digest.size(), 16u) << digest;
  EXPECT_EQ(codec.digest(Command(command)), digest);
  std::vector<Command> others(5, command);
  others[0].argv = {"a b"};
  others[1].env["NAME"] = "another value";
  others[2].labels["x"] = "2";
  others[3].cwd = "/";
  others[4].overflow = OverflowPolicy::kBlockChild;
  for (const Command& other : others) EXPECT_NE(codec.digest(other), digest);
}

}  // namespace
}  // namespace proctor::wire
