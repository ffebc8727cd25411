#include "core/base/check.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace proctor {
namespace {

// A line of text in a place of its own; what is too long for it is cut.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const size_t size = std::min(text.size(), kMost - size_);
    std::memcpy(text_ + size_, text.data(), size);
    size_ += size;
    return *this;
  }

  Line& operator<<(unsigned number) {
    char digits[10];
    size_t from = sizeof digits;
    do {
      digits[--from] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    return *this << std::string_view(digits + from, sizeof digits - from);
  }

  // A full pipe would keep us from dying.
  void Write() {
    text_[size_++] = '\n';
    pollfd room = {STDERR_FILENO, POLLOUT, 0};
    if (::poll(&room, 1, 0) == 1) (void)!::write(STDERR_FILENO, text_, size_);
  }

 private:
  static constexpr size_t kMost = 511;  // and the end of the line: one that is not torn (pipe(7))
  char text_[kMost + 1];
  size_t size_ = 0;
};

}  // namespace

void FailCheck(const char* file, int line, std::string_view broken, std::string_view promise) {
  const std::string_view path = file;
  Line said;
  said << "proctor: " << path.substr(path.rfind('/') + 1) << ":" << static_cast<unsigned>(line)
       << ": broken invariant: " << broken << " (" << promise << ")";
  said.Write();
  std::abort();
}

}  // namespace proctor
