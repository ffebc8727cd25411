#pragma once

#include <set>

namespace proctor {

// The open descriptors of this process.
std::set<int> OpenDescriptors();

}  // namespace proctor
