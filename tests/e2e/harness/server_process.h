#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace proctor {

// A proctord of this test's own, on a unix socket in a directory of its own. Ends
// with the test: gently, and what it leaves behind is a failure.
class ServerProcess {
 public:
  // What it is started in; unset: as the test itself.
  struct Place {
    int log_fd = -1;           // its stderr
    bool own_session = false;  // without a terminal
    std::string terminal;      // of its own session
    // A command that becomes the server, which is named after it.
    std::vector<std::string> through;
  };

  explicit ServerProcess(const std::vector<std::string>& flags = {})
      : ServerProcess(flags, Place()) {}
  ServerProcess(const std::vector<std::string>& flags, const Place& place);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  std::string target() const { return "unix:" + socket(); }
  std::string socket() const { return directory_ + "/proctord.sock"; }
  std::string state_dir() const { return directory_ + "/state"; }
  std::shared_ptr<grpc::Channel> NewChannel(grpc::ChannelArguments arguments = {}) const;

  // Sends a signal and waits for the end. Returns the exit code, or minus the signal
  // that ended it.
  int End(int signal);
  // Waits for the end, after a signal that was sent before.
  int Await();

  // What is open and no socket, and how many children there are, from /proc.
  std::vector<std::string> Descriptors() const;
  size_t CountChildren() const;

 private:
  std::string directory_;
  pid_t pid_ = 0;
};

}  // namespace proctor
