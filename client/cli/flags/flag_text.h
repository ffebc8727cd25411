#pragma once

#include <string>
#include <vector>

#include "core/flags/flag_set.h"

namespace proctor::cli {

// What the command says about flags.
//
// Pure functions; thread-safe.

// Says what is wrong, and which flag the user may have meant.
std::string MistakeText(const FlagSet& flags, const FlagSet::Mistake& mistake);

// The flags, one a line or more, in 80 columns.
std::string FlagsHelp(const FlagSet& flags);

// The one of `candidates` that `word` was probably meant to be, or empty.
std::string ClosestWord(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace proctor::cli
