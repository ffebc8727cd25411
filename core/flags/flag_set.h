#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace proctor {

// The flags of a command line: parses them with getopt_long, and has the words of --help, so that
// the two cannot differ. How help and mistakes are worded is up to each program.
//
// Not thread-safe, as getopt_long is not. Lives as long as the Mistakes that point into it.
//
// Order of calls: Switch, Action, Text, Value and Heading in the order of the help text; then Parse
// and flags.
class FlagSet {
 public:
  // Whether flags may stand behind the first argument that is none. Not if the arguments are the
  // command line of another program.
  enum class Order { kFlagsFirst, kAnywhere };
  // Looks at a value, and takes it.
  using Accept = std::function<absl::Status(const std::string& value)>;

  struct Flag {
    // 0: it has no short form.
    char letter;
    std::string name;
    // What its value is called; empty for a switch.
    std::string placeholder;
    // Empty where it is not described: for what is known only to be refused with a hint.
    std::string help;
    // Unset for a heading.
    Accept accept;
  };

  // An error in a command line.
  struct Mistake {
    enum class Kind { kUnknown, kNeedsValue, kTakesNoValue, kBadValue };
    Kind kind;
    // The flag as it was written.
    std::string given;
    // The flag that it is; null if unknown.
    const Flag* flag = nullptr;
    // Of kBadValue: what Accept said.
    absl::Status why;
  };

  explicit FlagSet(Order order) : order_(order) {}

  // A flag without a value. `letter` 0: it has no short form. `*value` lives longer than Parse.
  void Switch(char letter, const std::string& name, const std::string& help, bool* value);
  // The same where more is to be done than to remember it.
  void Action(char letter, const std::string& name, const std::string& help,
              std::function<void()> action);
  // A flag with any value that is not empty. `*value` lives longer than Parse.
  void Text(char letter, const std::string& name, const std::string& placeholder,
            const std::string& help, std::string* value);
  // A flag with a value that `accept` checks, each time that the flag is given.
  void Value(char letter, const std::string& name, const std::string& placeholder,
             const std::string& help, Accept accept);
  // A line between flags in the help text.
  void Heading(const std::string& text);

  // Takes flags out of `arguments` and leaves the rest in `*rest`. Returns the first mistake,
  // behind which nothing is looked at.
  std::optional<Mistake> Parse(const std::vector<std::string>& arguments,
                               std::vector<std::string>* rest) const;

  // All of them and the headings, in their order.
  const std::vector<Flag>& flags() const { return flags_; }

 private:
  const Order order_;
  std::vector<Flag> flags_;
};

}  // namespace proctor
