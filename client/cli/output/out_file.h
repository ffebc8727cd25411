#pragma once

#include <string>
#include <string_view>

namespace proctor::cli {

// One of our own standard streams, or a file beside them, as the destination of data.
//
// Unbuffered and blocking: when Write returns, the bytes are in the kernel, so a slow reader slows
// us down. The first error sticks.
//
// Not thread-safe.
class OutFile {
 public:
  // Does not own `descriptor`.
  OutFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

  // Writes all of `data`. False after an error, now or earlier.
  bool Write(std::string_view data);

  // Closes the descriptor; some file systems report a failed write only then. False after an error.
  bool Close();

  bool IsTerminal() const;

  // The errno of the first error; 0 without one.
  int error() const { return error_; }
  const std::string& name() const { return name_; }

 private:
  const int descriptor_;
  const std::string name_;
  int error_ = 0;
};

}  // namespace proctor::cli
