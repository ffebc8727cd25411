#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace proctor {

// Sends standard error to a file while it lives. Servers that start meanwhile inherit it.
//
// Thread-safety: text from any thread; standard error is that of the whole process.
class StandardErrorFile {
 public:
  explicit StandardErrorFile(std::string path) : path_(std::move(path)), before_(::dup(2)) {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    ::dup2(file, 2);
    ::close(file);
  }
  ~StandardErrorFile() {
    ::dup2(before_, 2);
    ::close(before_);
  }

  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  const std::string path_;
  const int before_;
};

}  // namespace proctor
