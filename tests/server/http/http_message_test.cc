#include "server/http/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"
#include "server/http/error_json.h"
#include "server/http/json_text.h"
#include "server/http/sse.h"
#include "server/page/static_files.h"
#include "tests/server/gateway/fake_services.h"

namespace proctor::server::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HttpMessage, ForbidsBrowsersWhatAnAnswerIsNotFor) {
  const std::string head = FormatHead({.body = "four"}, Framing::kLength);
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Security-Policy: default-src 'self';"));
  EXPECT_THAT(head, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Connection:")));
}

TEST(HttpMessage, EndsAStreamWithTheConnection) {
  const std::string head = FormatHead({}, Framing::kStream);
  EXPECT_THAT(head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
}

TEST(HttpMessage, KeepsHeadersApart) {
  const std::string head =
      FormatHead({.headers = {{"Location", "/a\r\nSet-Cookie: b"}}}, Framing::kLength);
  EXPECT_THAT(head, HasSubstr("\r\nLocation: /a  Set-Cookie: b\r\n"));
}

TEST(ErrorJson, TellsCodeReasonMessageAndMetadata) {
  const absl::Status error =
      FromGrpc(proctor::testing::MakeGrpcError(grpc::StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND",
                                               "no process '\"x\n'", {{"process_id", "x"}}));
  EXPECT_EQ(ErrorJson(error),
            R"({"error":{"code":"NOT_FOUND","reason":"PROCESS_NOT_FOUND",)"
            R"("message":"no process '\"x\u000a'","metadata":{"process_id":"x"}}})");
  EXPECT_EQ(ErrorResponse(error).status, 404);
}

TEST(ErrorJson, TakesTheCodeForAMissingReason) {
  const absl::Status error = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  EXPECT_EQ(ErrorJson(error),
            R"({"error":{"code":"UNAVAILABLE","reason":"UNAVAILABLE","message":"gone",)"
            R"("metadata":{}}})");
}

TEST(ErrorJson, HasAnHttpStatusForEveryCode) {
  using Code = absl::StatusCode;
  const std::pair<Code, int> expected[] = {
      {Code::kOk, 200},       {Code::kInvalidArgument, 400},  {Code::kUnauthenticated, 401},
      {Code::kNotFound, 404}, {Code::kPermissionDenied, 403}, {Code::kFailedPrecondition, 409},
      {Code::kAborted, 409},  {Code::kOutOfRange, 410},       {Code::kResourceExhausted, 429},
      {Code::kInternal, 500}, {Code::kUnimplemented, 501},    {Code::kUnavailable, 503},
      {Code::kUnknown, 500},  {Code::kDeadlineExceeded, 504}, {Code::kCancelled, 500},
      {Code::kDataLoss, 500}, {Code::kAlreadyExists, 500},
  };
  for (const auto& [code, status] : expected) EXPECT_EQ(HttpStatusOf(code), status) << code;
}

TEST(Json, EscapesControlCharactersAndKeepsOthers) {
  EXPECT_EQ(JsonString("a\"\\\x01\xC3\xA9/"), "\"a\\\"\\\\\\u0001\xC3\xA9/\"");
}

TEST(Json, KeepsNamesAndZeros) {
  v1::EventPosition position;
  position.set_log_id("L");
  EXPECT_EQ(JsonOf(position), R"({"log_id":"L","sequence":"0"})");
}

TEST(Sse, WritesFieldsThatAreThere) {
  EXPECT_EQ(SseFrame("", "L:1", "{}"), "id: L:1\ndata: {}\n\n");
  EXPECT_EQ(SseFrame("end", "", "{}"), "event: end\ndata: {}\n\n");
  EXPECT_EQ(SseFrame("", "", "a\nb\n"), "data: a\ndata: b\ndata: \n\n");
  EXPECT_EQ(SseRetry(1000), "retry: 1000\n\n");
}

TEST(StaticFiles, HaveTheRightTypes) {
  EXPECT_EQ(ContentTypeOf("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("a.min.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("icon.svg"), "image/svg+xml");
  EXPECT_EQ(ContentTypeOf("LICENSE"), "application/octet-stream");
}

TEST(StaticFiles, AreNotSentToWhoHasThem) {
  const StaticFile* index = FindStaticFile("index.html");
  ASSERT_NE(index, nullptr);
  EXPECT_THAT(std::string(index->content), HasSubstr("<html"));
  EXPECT_EQ(index->content.find('\0'), std::string_view::npos);
  const Response first = StaticFileResponse(*index, {});
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, index->content);
  const Response again =
      StaticFileResponse(*index, {.headers = {{"if-none-match", std::string(index->etag)}}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(FindStaticFile("nothing.html"), nullptr);
}

}  // namespace
}  // namespace proctor::server::http
