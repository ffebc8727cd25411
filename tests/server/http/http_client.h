#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proctor/unique_fd.h"

namespace proctor::testing {

// A caller of the HTTP side over a real socket, that says exactly what the test says.
//
// Thread-safety: none. Lifetime: closes its connection. Reads that get nothing for 30 s end
// as if the connection had.
class HttpClient {
 public:
  struct Response {
    int status = 0;
    std::map<std::string, std::string> headers;  // by lower-case name
    std::string body;
  };

  // One frame of an event stream, by its fields.
  struct Frame {
    std::string event;
    std::string id;
    std::string data;
    std::string retry;
  };

  // `receive_buffer`: what the kernel keeps for this caller; 0 is its own choice.
  explicit HttpClient(uint16_t port, int receive_buffer = 0);

  bool connected() const { return static_cast<bool>(fd_); }
  void Send(const std::string& text);
  void Close() { fd_.Reset(); }

  // Sends a request with the usual headers, after which may come others ("Name: value").
  void SendRequest(const std::string& method, const std::string& target,
                   const std::vector<std::string>& headers = {});

  // The head of the next answer; status 0 if there is none.
  Response ReadHead();
  // The next answer with its body.
  Response Read(bool is_head = false);
  // Both.
  Response Get(const std::string& target, const std::vector<std::string>& headers = {});

  // The next frame of the stream whose head was read; all empty at its end.
  Frame ReadFrame();

  // Whether nothing comes any more: waits for the end.
  bool AtEnd();

 private:
  bool Fill();

  const uint16_t port_;
  UniqueFd fd_;
  std::string buffer_;
};

}  // namespace proctor::testing
