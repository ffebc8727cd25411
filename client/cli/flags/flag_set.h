#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace proctor::cli {

// The flags of one verb: parses them with getopt_long and describes them for --help, so that the
// two cannot differ.
//
// Not thread-safe, as getopt_long is not.
//
// Order of calls: Switch, Action, Text, Value and Heading in the order of the help text; then Parse
// or Help.
class FlagSet {
 public:
  // Whether flags may stand behind the first argument that is none. Not where the arguments are a
  // command line of somebody else.
  enum class Order { kFlagsFirst, kAnywhere };
  using Accept = std::function<absl::Status(const std::string& value)>;

  explicit FlagSet(Order order) : order_(order) {}

  // A flag without a value. `letter` 0: it has no short form. Without `help` it is not described:
  // for what is known only to be refused with a hint.
  void Switch(char letter, const std::string& name, const std::string& help, bool* value);
  // The same where more is to be done than to remember it.
  void Action(char letter, const std::string& name, const std::string& help,
              std::function<void()> action);
  // A flag whose value is taken as it is. `*value` lives longer than Parse.
  void Text(char letter, const std::string& name, const std::string& placeholder,
            const std::string& help, std::string* value);
  // A flag whose value `accept` looks at, each time that the flag is given.
  void Value(char letter, const std::string& name, const std::string& placeholder,
             const std::string& help, Accept accept);
  // A line between flags in the help text.
  void Heading(const std::string& text);

  // Takes flags out of `arguments` and leaves the rest in `*rest`. INVALID_ARGUMENT, naming the
  // flag, for one that is unknown, lacks its value or has a bad one.
  absl::Status Parse(const std::vector<std::string>& arguments, std::vector<std::string>* rest);

  // The flags, one a line or more, in 80 columns.
  std::string Help() const;

 private:
  struct Flag {
    char letter;
    std::string name;
    // Empty for a switch.
    std::string placeholder;
    std::string help;
    Accept accept;
  };

  absl::Status Unknown(const std::string& flag) const;

  const Order order_;
  std::vector<Flag> flags_;
};

// The one of `candidates` that `word` was probably meant to be, or empty.
std::string ClosestWord(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace proctor::cli
