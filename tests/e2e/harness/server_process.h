#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace proctor {

// A proctord for one test, on a unix socket in a directory of its own. The destructor ends it by
// SIGTERM. An exit code other than 0 is a failure of the test.
class ServerProcess {
 public:
  // Where the server starts. By default it inherits all of the test.
  struct Place {
    int log_fd = -1;           // becomes its stderr
    bool own_session = false;  // without a terminal
    std::string terminal;      // becomes that of its own session
    // A command that becomes the server: the path and the flags of the server follow it.
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

  // Sends a signal and waits for the end. Returns the exit code, or minus the signal that ended the
  // server.
  int End(int signal);
  // Waits for the end. Something else has made the server end. Returns as End does.
  int Await();

  // From /proc: the targets of open descriptors, without sockets, and the number of children.
  std::vector<std::string> Descriptors() const;
  size_t CountChildren() const;

 private:
  std::string directory_;
  pid_t pid_ = 0;
};

}  // namespace proctor
