#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace proctor::server {

// The paging that all lists share. A token says where the next page begins and which list it
// belongs to.

// No page is larger than this, but for one large item: gRPC's clients take 4 MiB by default, and
// the server holds the page while it answers.
inline constexpr size_t kMostPageBytes = 1 << 20;

// The room that is left in a page.
class PageRoom {
 public:
  // Takes room for a message of so many bytes; false when there is none. The first one always has
  // room.
  bool Take(size_t bytes) {
    bytes_ += bytes + kItemBytes;
    return std::exchange(empty_, false) || bytes_ <= kMostPageBytes;
  }

 private:
  static constexpr size_t kItemBytes = 6;     // of its tag and its length
  static constexpr size_t kTokenBytes = 256;  // of the next page's token

  size_t bytes_ = kTokenBytes;
  bool empty_ = true;
};

// Where a page begins, and how many items it has.
struct Page {
  uint64_t after = 0;  // the ordinal before the page's first
  size_t size = 100;
};

// Reads page_size and page_token of a request. `filter` is the rest of the request,
// in any form that is equal for equal requests.
// Errors: InvalidArgument (INVALID_FIELD) for a negative size, or for a token that
// was not made here or for another filter.
absl::StatusOr<Page> ReadPage(int32_t page_size, std::string_view page_token,
                              std::string_view filter);

// The token of the page that begins after `ordinal`.
std::string MakePageToken(uint64_t ordinal, std::string_view filter);

// The request's filter as a string, for the two above: the message without its
// paging fields, in deterministic form.
template <typename Request>
std::string FilterOf(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  return request.ShortDebugString();  // maps in the order of their keys
}

}  // namespace proctor::server
