#include "tests/server/http/http_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proctor::testing {

HttpClient::HttpClient(uint16_t port, int receive_buffer)
    : port_(port), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{30, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (receive_buffer > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fd_.Reset();
}

void HttpClient::Send(const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t size = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return;
    sent += static_cast<size_t>(size);
  }
}

void HttpClient::SendRequest(const std::string& method, const std::string& target,
                             const std::vector<std::string>& headers) {
  std::string text = absl::StrCat(method, " ", target, " HTTP/1.1\r\n");
  bool has_host = false;
  for (const std::string& header : headers) {
    has_host = has_host || header.rfind("Host:", 0) == 0;
    absl::StrAppend(&text, header, "\r\n");
  }
  if (!has_host) absl::StrAppend(&text, "Host: 127.0.0.1:", port_, "\r\n");
  Send(text + "\r\n");
}

bool HttpClient::Fill() {
  char bytes[16384];
  const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(size));
  return true;
}

HttpClient::Response HttpClient::ReadHead() {
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  Response response;
  const std::vector<std::string> lines = absl::StrSplit(buffer_.substr(0, end), "\r\n");
  buffer_.erase(0, end + 4);
  response.status = std::atoi(lines[0].substr(lines[0].find(' ') + 1).c_str());
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    response.headers[absl::AsciiStrToLower(pair.first)] = pair.second;
  }
  return response;
}

HttpClient::Response HttpClient::Read(bool is_head) {
  Response response = ReadHead();
  if (is_head || response.status == 304 || response.headers.count("content-length") == 0) {
    return response;
  }
  const size_t size = std::stoul(response.headers["content-length"]);
  while (buffer_.size() < size && Fill()) {
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return response;
}

HttpClient::Response HttpClient::Get(const std::string& target,
                                     const std::vector<std::string>& headers) {
  SendRequest("GET", target, headers);
  return Read();
}

HttpClient::Frame HttpClient::ReadFrame() {
  size_t end;
  while ((end = buffer_.find("\n\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  Frame frame;
  const std::vector<std::string> lines = absl::StrSplit(buffer_.substr(0, end), '\n');
  for (const std::string& line : lines) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (pair.first == "event") frame.event = pair.second;
    if (pair.first == "id") frame.id = pair.second;
    if (pair.first == "data") frame.data += pair.second;
    if (pair.first == "retry") frame.retry = pair.second;
  }
  buffer_.erase(0, end + 2);
  return frame;
}

bool HttpClient::AtEnd() {
  if (!buffer_.empty()) return false;
  return !Fill();
}

}  // namespace proctor::testing
