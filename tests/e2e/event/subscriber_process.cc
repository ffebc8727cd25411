#include "tests/e2e/event/subscriber_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace proctor {

SubscriberProcess::SubscriberProcess(const std::string& target,
                                     const v1::WatchEventsRequest& request) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  out_.Reset(ends[0]);
  const UniqueFd in(ends[1]);
  std::string words[] = {EVENT_SUBSCRIBER, target, request.ShortDebugString()};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv, environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
}

SubscriberProcess::~SubscriberProcess() {
  if (pid_ == 0) return;
  Signal(SIGKILL);
  Await();
}

bool SubscriberProcess::Fill(size_t size) {
  while (buffer_.size() - begin_ < size) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    char bytes[65536];
    const ssize_t count = ::read(out_.get(), bytes, sizeof bytes);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
  }
  return true;
}

bool SubscriberProcess::Read(v1::WatchEventsResponse* response) {
  uint32_t size = 0;
  if (!Fill(sizeof size)) return false;
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  if (!Fill(sizeof size + size)) return false;
  EXPECT_TRUE(
      response->ParseFromArray(buffer_.data() + begin_ + sizeof size, static_cast<int>(size)));
  begin_ += sizeof size + size;
  return true;
}

void SubscriberProcess::Signal(int signal) const { ::kill(pid_, signal); }

int SubscriberProcess::Await() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace proctor
