#pragma once

#include <string>
#include <string_view>

namespace proctor::server::http {

// Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
// Pure functions.

// One frame. Without a name the browser calls onmessage; without an id it remembers the
// one before. Neither has a line break; `data` may have some.
std::string SseFrame(std::string_view name, std::string_view id, std::string_view data);

// How long a browser waits before it connects again.
std::string SseRetry(int milliseconds);

}  // namespace proctor::server::http
