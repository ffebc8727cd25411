#include "server/page/static_files.h"

#include <string>
#include <utility>

#include "server/page/embedded_files.h"

namespace proctor::server::http {
namespace {

constexpr std::pair<std::string_view, std::string_view> kContentTypes[] = {
    {"css", "text/css; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"txt", "text/plain; charset=utf-8"},
    {"webmanifest", "application/manifest+json"},
    {"woff2", "font/woff2"},
};

}  // namespace

std::string_view ContentTypeOf(std::string_view name) {
  const std::string_view extension = name.substr(name.rfind('.') + 1);
  for (const auto& [known, type] : kContentTypes) {
    if (known == extension) return type;
  }
  return "application/octet-stream";
}

const StaticFile* FindStaticFile(std::string_view name) {
  for (const StaticFile& file : EmbeddedFiles()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

Response StaticFileResponse(const StaticFile& file, const Request& request) {
  Response response;
  response.content_type = ContentTypeOf(file.name);
  response.headers.emplace_back("ETag", file.etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.Header("if-none-match").find(file.etag) != std::string_view::npos) {
    response.status = 304;
  } else {
    response.body = file.content;
  }
  return response;
}

}  // namespace proctor::server::http
