#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "proctor/v1/event_service.grpc.pb.h"
#include "proctor/v1/process_service.grpc.pb.h"
#include "proctor/v1/server_service.grpc.pb.h"
#include "proctor/v1/session_service.grpc.pb.h"
#include "tests/e2e/harness/server_process.h"

namespace proctor {

// A specification of a program of tests/programs.
v1::ProcessSpec TestProgram(const std::string& program, const std::string& argument = "");

// A server on a state directory that outlives it, and stubs for the server.
//
// A call that fails is a failure of the test, except where a status is returned.
// Thread-safety: all but End from any thread.
struct StateServer {
  explicit StateServer(const std::string& state_dir, const std::vector<std::string>& flags = {});

  v1::GetServerInfoResponse Info();
  grpc::Status Start(const v1::ProcessSpec& spec, v1::Process* process);
  // Returns the process once its output is drained, too.
  v1::Process Wait(const std::string& id);
  // Start and Wait.
  v1::Process Run(const v1::ProcessSpec& spec);
  // Stops the process and returns it as Wait does.
  v1::Process Stop(const std::string& id);
  v1::Process Get(const std::string& id);

  // All events that are kept, and all processes that are known.
  std::vector<v1::Event> ListEvents();
  std::vector<v1::Process> ListProcesses();

  // Begins a subscription after this position and gives it up. Returns OK or why it failed.
  grpc::Status Resume(const v1::EventPosition& position);

  // Returns the exit code, or minus the signal that ended the server. Closes the connection first:
  // an idle client hears of the server's end only after some seconds.
  int End(int signal);

  ServerProcess process;
  std::shared_ptr<grpc::Channel> channel = process.NewChannel();
  std::unique_ptr<v1::ProcessService::Stub> processes = v1::ProcessService::NewStub(channel);
  std::unique_ptr<v1::SessionService::Stub> sessions = v1::SessionService::NewStub(channel);
  std::unique_ptr<v1::EventService::Stub> events = v1::EventService::NewStub(channel);
  std::unique_ptr<v1::ServerService::Stub> info = v1::ServerService::NewStub(channel);
};

// How many of these events tell of the exit of a process.
int CountExits(const std::vector<v1::Event>& events, const std::string& process_id);

}  // namespace proctor
