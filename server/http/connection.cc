#include "server/http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proctor/error.h"
#include "server/http/error_json.h"
#include "server/http/viewer.h"

namespace proctor::server::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

// How much the kernel keeps for a viewer that is behind.
constexpr int kSendBufferBytes = 256 * 1024;

// How long a caller may still send after the last answer.
constexpr absl::Duration kLinger = absl::Seconds(2);

std::string ToString(beast::string_view text) { return std::string(text.data(), text.size()); }

// Whether a caller wrote something that is no request, rather than leave.
bool IsMalformed(const error_code& code) {
  using beast::http::error;
  return code.category() == make_error_code(error::bad_method).category() &&
         code != error::end_of_stream && code != error::partial_message;
}

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool IsTooLarge(const error_code& error) {
  return error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow;
}

class BeastConnection final : public Connection,
                              public std::enable_shared_from_this<BeastConnection> {
 public:
  BeastConnection(HttpThread* thread, const HttpLimits& limits, Owner owner)
      : thread_(thread),
        limits_(limits),
        owner_(std::move(owner)),
        stranger_until_(Clock::now() + absl::ToChronoNanoseconds(limits.stranger_time)),
        socket_(thread->context()),
        deadline_(thread),
        buffer_(limits.header_bytes + 1024) {}

  void Begin(UniqueFd fd) override {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
    error_code error;
    socket_.assign(asio::ip::tcp::v4(), fd.get(), error);  // the family does not matter later
    if (error) return Close();
    (void)fd.Release();
    ReadRequest();
  }

  void Stop() override {
    stopping_ = true;
    // No answer is owed, or it is on its way.
    if (state_ != State::kAnswering) Close();
  }

  void Close() override {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    const auto self = shared_from_this();
    deadline_.Cancel();
    if (viewer_ != nullptr) viewer_->OnGone();
    error_code ignored;
    // By hand, so that the caller sees it at once: a child that was just cloned may share the
    // socket until its exec. Asio leaves the epoll set by release, not by close.
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    if (socket_.is_open()) UniqueFd(socket_.release(ignored)).Reset();
    owner_.on_closed(this);
  }

  bool Keep() override {
    if (!known_) known_ = owner_.keep(this);
    return known_;
  }

  void ReadBody(std::function<void(std::string)> done) override {
    if (state_ != State::kAnswering) return;
    if (!has_body_) return done("");
    const auto& message = parser_->get();
    const bool waits = absl::EqualsIgnoreCase(
        absl::string_view(message["Expect"].data(), message["Expect"].size()), "100-continue");
    body_parser_.emplace(std::move(*parser_));
    body_parser_->body_limit(limits_.body_bytes);
    SetDeadline(limits_.body_time);
    // Refused by what the head says, before the body is sent.
    if (body_parser_->content_length().value_or(0) > limits_.body_bytes) return RefuseBody();
    if (!waits) return ReceiveBody(std::move(done));
    asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                      [this, self = shared_from_this(), done = std::move(done)](
                          const error_code& error, size_t) mutable {
                        if (state_ == State::kClosed) return;
                        if (error) return Close();
                        ReceiveBody(std::move(done));
                      });
  }

  void Respond(Response response) override {
    if (state_ != State::kAnswering) return;
    if (stopping_) keep_alive_ = false;
    std::string text = FormatHead(response, keep_alive_ ? Framing::kLength : Framing::kLast);
    if (!is_head_) text.append(response.body);
    Write(std::make_shared<const std::string>(std::move(text)));
  }

  void StreamWhile(std::function<bool()> allowed) override { allowed_ = std::move(allowed); }

  void Stream(Response head, FrameSource* source) override {
    if (state_ != State::kAnswering) return source->Cancel();
    viewer_ = std::make_unique<Viewer>(
        thread_, limits_.heartbeat, source,
        Viewer::Connection{[this](Frame frame) { Write(std::move(frame)); }, [this] { Finish(); },
                           std::move(allowed_)});
    viewer_->Begin(
        std::make_shared<const std::string>(FormatHead(head, Framing::kStream) + head.body));
    Discard();
  }

 private:
  enum class State { kWaiting, kReading, kAnswering, kClosing, kClosed };
  using Clock = std::chrono::steady_clock;
  using Parser = beast::http::request_parser<beast::http::empty_body>;
  using BodyParser = beast::http::request_parser<beast::http::string_body>;

  void SetDeadline(absl::Duration time) {
    if (!known_) time = std::min(time, absl::FromChrono(stranger_until_ - Clock::now()));
    deadline_.Set(time, [this] { Close(); });
  }

  // For the next request, for as long as the connection may idle.
  void Wait() {
    if (buffer_.size() > 0) return ReadRequest();  // it is here already
    state_ = State::kWaiting;
    SetDeadline(limits_.idle);
    socket_.async_wait(asio::ip::tcp::socket::wait_read,
                       [this, self = shared_from_this()](const error_code& error) {
                         if (state_ == State::kClosed) return;
                         if (error) return Close();
                         ReadRequest();
                       });
  }

  void ReadRequest() {
    state_ = State::kReading;
    body_parser_.reset();
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(limits_.header_bytes));
    parser_->body_limit(std::numeric_limits<uint64_t>::max());  // ReadBody's matter
    SetDeadline(limits_.header_time);
    beast::http::async_read_header(
        socket_, buffer_, *parser_,
        [this, self = shared_from_this()](const error_code& error, size_t) { OnRequest(error); });
  }

  void OnRequest(const error_code& error) {
    if (state_ == State::kClosed) return;
    if (IsMalformed(error)) return RefuseMalformed(error.message(), IsTooLarge(error) ? 431 : 400);
    if (error) return Close();
    state_ = State::kAnswering;
    deadline_.Cancel();
    const auto& message = parser_->get();
    Request request;
    request.peer = owner_.peer;
    request.method = ToString(message.method_string());
    request.target = ToString(message.target());
    for (const auto& field : message) {
      std::string& value = request.headers[absl::AsciiStrToLower(ToString(field.name_string()))];
      if (!value.empty()) value.append(", ");
      value.append(field.value().data(), field.value().size());
    }
    // After a body that was not read, the next request has no known beginning.
    has_body_ = request.headers.count("transfer-encoding") != 0 ||
                parser_->content_length().value_or(0) > 0;
    keep_alive_ = message.version() >= 11 && message.keep_alive() && !has_body_;
    if (!request.HasKnownEnd()) {
      return RefuseMalformed("the Transfer-Encoding does not end in chunked", 400);
    }
    is_head_ = request.method == "HEAD";
    allowed_ = nullptr;
    owner_.answer(request, shared_from_this());
  }

  void ReceiveBody(std::function<void(std::string)> done) {
    beast::http::async_read(socket_, buffer_, *body_parser_,
                            [this, self = shared_from_this(), done = std::move(done)](
                                const error_code& error, size_t) { OnBody(error, done); });
  }

  void OnBody(const error_code& error, const std::function<void(std::string)>& done) {
    if (state_ == State::kClosed) return;
    if (error == beast::http::error::body_limit) return RefuseBody();
    if (IsMalformed(error)) return RefuseMalformed(error.message(), 400);
    if (error) return Close();
    deadline_.Cancel();
    const auto& message = body_parser_->get();
    keep_alive_ = message.version() >= 11 && message.keep_alive();
    done(std::move(body_parser_->get().body()));
  }

  void RefuseBody() {
    keep_alive_ = false;
    Respond(ErrorResponse(
        MakeError(absl::StatusCode::kInvalidArgument, Reason::kBodyTooLarge,
                  absl::StrCat("the body is larger than ", limits_.body_bytes, " bytes")),
        413));
  }

  void RefuseMalformed(const std::string& why, int status) {
    state_ = State::kAnswering;
    keep_alive_ = false;
    is_head_ = false;
    Respond(ErrorResponse(
        MakeError(absl::StatusCode::kInvalidArgument, Reason::kMalformedRequest, why), status));
  }

  void Write(Frame frame) {
    output_ = std::move(frame);
    written_ = 0;
    WriteSome();
  }

  // By hand, too: a deadline for the whole would cut off a caller that reads, but slowly.
  void WriteSome() {
    SetDeadline(limits_.stall);
    socket_.async_write_some(
        asio::buffer(output_->data() + written_, output_->size() - written_),
        [this, self = shared_from_this()](const error_code& error, size_t size) {
          if (state_ == State::kClosed) return;
          if (error) return Close();
          written_ += size;
          if (written_ < output_->size()) return WriteSome();
          OnWritten();
        });
  }

  void OnWritten() {
    output_.reset();
    deadline_.Cancel();
    if (viewer_ != nullptr) return viewer_->OnWritten();
    if (keep_alive_ && !stopping_) return Wait();
    Finish();
    if (state_ == State::kClosing) Discard();
  }

  // The last was written. Discard sees the caller's end.
  void Finish() {
    if (stopping_) return Close();
    state_ = State::kClosing;
    SetDeadline(kLinger);
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  // Reads only to see the caller's end.
  void Discard() {
    socket_.async_read_some(asio::buffer(discarded_),
                            [this, self = shared_from_this()](const error_code& error, size_t) {
                              if (state_ == State::kClosed) return;
                              if (error) return Close();
                              Discard();
                            });
  }

  HttpThread* const thread_;
  const HttpLimits limits_;
  const Owner owner_;
  const Clock::time_point stranger_until_;

  asio::ip::tcp::socket socket_;
  Timer deadline_;  // of whatever is under way
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<BodyParser> body_parser_;  // parser_ goes on in it
  State state_ = State::kWaiting;
  bool known_ = false;  // a request has shown the token
  bool stopping_ = false;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool has_body_ = false;
  Frame output_;  // the write that is under way
  size_t written_ = 0;
  std::function<bool()> allowed_;  // whether a stream may go on; empty: it may
  std::unique_ptr<Viewer> viewer_;
  std::array<char, 512> discarded_;
};

}  // namespace

std::shared_ptr<Connection> Connection::Make(HttpThread* thread, const HttpLimits& limits,
                                             Owner owner) {
  return std::make_shared<BeastConnection>(thread, limits, std::move(owner));
}

}  // namespace proctor::server::http
