#include "tests/server/listen/own_network.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "proctor/unique_fd.h"

namespace proctor::testing {

std::string InOwnNetwork(const std::function<void()>& test) {
  std::string why_not;
  std::thread thread([&] {
    if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
      why_not = absl::StrCat("no network of its own can be had: ", ::strerror(errno));
      return;
    }
    SetLink(true);
    if (!::testing::Test::HasFailure()) test();
  });
  thread.join();
  return why_not;
}

void SetLink(bool up) {
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq link{};
  strcpy(link.ifr_name, "lo");
  ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &link), 0) << ::strerror(errno);
  link.ifr_flags = static_cast<short>(up ? link.ifr_flags | IFF_UP : link.ifr_flags & ~IFF_UP);
  ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &link), 0) << ::strerror(errno);
}

}  // namespace proctor::testing
