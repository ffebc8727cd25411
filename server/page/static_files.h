#pragma once

#include <string_view>

#include "server/http/http_message.h"

namespace proctor::server::http {

// A file of server/dashboard, compiled in.
struct StaticFile {
  std::string_view name;  // from there on: "index.html"
  std::string_view etag;  // of its content, with quotes
  std::string_view content;
};

// Finds a file by its name; null where there is none. Any thread.
const StaticFile* FindStaticFile(std::string_view name);

// The answer with the file, or 304 where the caller has it.
Response StaticFileResponse(const StaticFile& file, const Request& request);

// "text/css; charset=utf-8" for "style.css"; bytes without a meaning for what is unknown.
std::string_view ContentTypeOf(std::string_view name);

}  // namespace proctor::server::http
