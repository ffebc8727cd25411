#pragma once

#include <span>

#include "server/page/static_files.h"

namespace proctor::server::http {

// The files of server/dashboard, sorted by name. The build writes the definition
// (server/page/embed_files.cmake).
std::span<const StaticFile> EmbeddedFiles();

}  // namespace proctor::server::http
