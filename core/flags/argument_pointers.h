#pragma once

#include <string>
#include <vector>

namespace proctor {

// Returns what exec(3), posix_spawn(3) and getopt(3) take as argv or environment: a pointer to each
// of the strings, and a null. Valid until `*strings` or one of them is changed.
inline std::vector<char*> ArgumentPointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings->size() + 1);
  for (std::string& string : *strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace proctor
