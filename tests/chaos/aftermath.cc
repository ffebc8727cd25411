#include "tests/chaos/aftermath.h"

#include <gtest/gtest.h>

namespace proctor {

void Aftermath::Expect(StateServer& server) {
  const v1::GetServerInfoResponse info = server.Info();
  EXPECT_EQ(info.event_log().notice(), "");
  EXPECT_EQ(info.event_log().trouble(), "");
  EXPECT_EQ(info.last_event().log_id(), shown_->log_id());
  EXPECT_EQ(info.running_processes(), 0u);
  const std::vector<v1::Event> events = server.ListEvents();
  ASSERT_GE(events.size(), info.last_event().sequence());
  const std::vector<std::string> seen = shown_->events();
  ASSERT_GE(events.size(), seen.size()) << "events that were shown are gone";
  Stories stories;
  for (size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].sequence(), i + 1);
    const std::string bytes = BytesOf(events[i]);
    if (i < seen.size()) {
      EXPECT_EQ(bytes, seen[i]) << events[i].ShortDebugString();
    }
    if (i < listed_.size()) {
      EXPECT_EQ(bytes, listed_[i]) << events[i].ShortDebugString();
    } else {
      listed_.push_back(bytes);
    }
    Tell(events[i], stories);
  }
  ExpectStories(stories);
  ExpectSessions(events);
  ExpectProcesses(server, stories);
}

void Aftermath::Tell(const v1::Event& event, Stories& stories) {
  if (event.process_id().empty()) return;
  Story& story = stories[event.process_id()];
  if (event.has_process_started()) ++story.started;
  if (event.has_output_drained()) ++story.drained;
  if (!event.has_process_exited()) return;
  const v1::ExitStatus& status = event.process_exited().exit_status();
  story.exits.push_back(BytesOf(status));
  if (!status.has_unknown()) return;
  story.lost = true;
  if (status.unknown().reason() != "SERVER_LOST_AT_START") {
    EXPECT_EQ(status.unknown().reason(), "SERVER_LOST");
  }
  EXPECT_EQ(status.returncode(), 255);
}

void Aftermath::ExpectStories(const Stories& stories) {
  lost_ = 0;
  for (const auto& [id, story] : stories) {
    EXPECT_EQ(story.started, 1) << id;
    EXPECT_EQ(story.exits.size(), 1u) << id;
    EXPECT_EQ(story.drained, 1) << id;
    if (story.lost) ++lost_;
  }
  spawns_ = stories.size();
  for (const std::string& id : shown_->starts()) {
    EXPECT_TRUE(stories.contains(id)) << "a start that was shown is gone: " << id;
  }
  for (const auto& [id, status] : shown_->exits()) {
    auto story = stories.find(id);
    ASSERT_NE(story, stories.end()) << "an exit that was shown is gone: " << id;
    ASSERT_EQ(story->second.exits.size(), 1u);
    v1::ExitStatus before;
    v1::ExitStatus now;
    ASSERT_TRUE(before.ParseFromString(status) && now.ParseFromString(story->second.exits[0]));
    // An answer later than the exit may have counted more output.
    before.clear_output();
    now.clear_output();
    EXPECT_EQ(BytesOf(before), BytesOf(now)) << before.ShortDebugString() << "\n"
                                             << now.ShortDebugString();
  }
}

void Aftermath::ExpectSessions(const std::vector<v1::Event>& events) {
  std::map<std::string, uint64_t> opened;
  std::map<std::string, uint64_t> closed;
  std::map<std::string, uint64_t> last;
  for (const v1::Event& event : events) {
    if (event.session_id().empty()) continue;
    if (event.has_session_opened()) ++opened[event.session_id()];
    if (event.has_session_closed()) {
      ++closed[event.session_id()];
      EXPECT_EQ(event.session_closed().reason(), "SERVER_LOST");
    }
    last[event.session_id()] = event.sequence();
  }
  for (const auto& [id, sequence] : last) {
    EXPECT_EQ(opened[id], 1u) << id;
    EXPECT_EQ(closed[id], 1u) << id;
    EXPECT_TRUE(events[sequence - 1].has_session_closed()) << id;
  }
}

void Aftermath::ExpectProcesses(StateServer& server, const Stories& stories) {
  const std::vector<v1::Process> processes = server.ListProcesses();
  EXPECT_EQ(processes.size(), stories.size());
  for (const v1::Process& process : processes) {
    EXPECT_EQ(process.state(), v1::PROCESS_STATE_DRAINED) << process.ShortDebugString();
    auto story = stories.find(process.process_id());
    ASSERT_NE(story, stories.end());
    v1::ExitStatus told;
    ASSERT_TRUE(told.ParseFromString(story->second.exits.front()));
    told.clear_output();
    v1::ExitStatus status = process.exit_status();
    status.clear_output();
    EXPECT_EQ(BytesOf(status), BytesOf(told)) << process.ShortDebugString();
    const auto [known, fresh] = kept_.emplace(process.process_id(), BytesOf(process));
    if (!fresh) {
      EXPECT_EQ(BytesOf(process), known->second) << process.ShortDebugString();
    }
  }
}

}  // namespace proctor
