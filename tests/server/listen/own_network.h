#pragma once

#include <functional>
#include <string>

namespace proctor::testing {

// Runs a test on a thread of its own, in a network of that thread's own, which has nothing but
// the loopback link: up, until the test cuts it. Returns why no such network can be had, or "".
// A thread does not come back from its network, and what it makes (threads, sockets) is there too.
std::string InOwnNetwork(const std::function<void()>& test);

// Cuts the link of the network that this thread is in, or puts it up again. Fails the test.
void SetLink(bool up);

}  // namespace proctor::testing
