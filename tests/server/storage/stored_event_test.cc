#include "server/storage/stored_event.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "proctor/v1/event.pb.h"
#include "server/wire/event.h"
#include "tests/server/storage/stored_samples.h"

namespace proctor::storage {
namespace {

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
  return wire::ToProto(kept, "log");
}

void ExpectTheSame(const Event& event) {
  const v1::Event told = wire::ToProto(event, "log");
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
  ExpectAllSet(wire::ToProto(MakeEvent(ProcessExited{MakeExit()}), "log"));
  ExpectAllSet(wire::ToProto(MakeEvent(MakeDrained()), "log"));
  ExpectAllSet(
      wire::ToProto(MakeEvent(ProcessSignalled{SIGUSR1, SignalScope::kTree, "somebody"}), "log"));
  ExpectAllSet(wire::ToProto(MakeEvent(ProcessOom{3}), "log"));
  ExpectAllSet(wire::ToProto(MakeEvent(WatcherChanged{"a", "b"}), "log"));
  ExpectAllSet(
      wire::ToProto(MakeEvent(MakeOpened()), "log"),
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
  const v1::Event told = wire::ToProto(MakeEvent(drained), "log");
  v1::Event received;  // as a client does it
  ASSERT_TRUE(received.ParseFromString(told.SerializeAsString()));
  EXPECT_EQ(received.output_drained().holders(0).command(), "??");
  EXPECT_EQ(received.output_drained().holders(1).command(), "caf?");
  EXPECT_EQ(received.output_drained().holders(3).command(), "W\xc3\xb6rter");
}

TEST(StoredEvents, EveryReasonIsToldAsItWas) {
  for (const CloseReason reason : {CloseReason::kClientRequest, CloseReason::kLeaseExpired,
                                   CloseReason::kServerShutdown, CloseReason::kServerLost}) {
    ExpectTheSame(MakeEvent(SessionClosed{reason}));
    EXPECT_NE(wire::ToProto(MakeEvent(SessionClosed{reason}), "log").session_closed().reason(), "");
  }
  for (const RemovalReason reason : {RemovalReason::kClientRequest, RemovalReason::kRetention}) {
    ExpectTheSame(MakeEvent(ProcessRemoved{reason}));
    EXPECT_NE(wire::ToProto(MakeEvent(ProcessRemoved{reason}), "log").process_removed().reason(),
              "");
  }
}

TEST(StoredEvents, WhatALaterVersionWroteIsReadAsUnknown) {
  const EventCodec codec = MakeEventCodec();
  v1::Event closed;
  closed.mutable_session_closed()->set_reason("STRUCK_BY_LIGHTNING");
  EXPECT_EQ(std::get<SessionClosed>(codec.decode(closed.SerializeAsString())->detail).reason,
            CloseReason::kUnknown);
  v1::Event removed;
  removed.mutable_process_removed()->set_reason("STRUCK_BY_LIGHTNING");
  EXPECT_EQ(std::get<ProcessRemoved>(codec.decode(removed.SerializeAsString())->detail).reason,
            RemovalReason::kUnknown);
  v1::Event signalled;
  signalled.mutable_process_signalled()->set_scope(static_cast<v1::SignalScope>(99));
  EXPECT_EQ(std::get<ProcessSignalled>(codec.decode(signalled.SerializeAsString())->detail).scope,
            SignalScope::kLeader);
}

// What a request may not have is told as it was.
TEST(StoredEvents, WhatTheCheckOfRequestsRefusesIsReadBack) {
  Event event = MakeEvent(MakeUpdated());
  event.labels = {{std::string(5000, 'k'), std::string(50000, 'v')}};
  std::get<ProcessUpdated>(event.detail).retain_bytes = uint64_t{1} << 60;
  std::get<ProcessUpdated>(event.detail).process.name = std::string(500, ' ');
  ExpectTheSame(event);
}

TEST(StoredEvents, WhatIsNoEventIsSaidToBeUnreadable) {
  const EventCodec codec = MakeEventCodec();
  for (const std::string& body : {std::string("\xff\xff garbage"), std::string()}) {
    EXPECT_EQ(codec.decode(body).status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace proctor::storage
