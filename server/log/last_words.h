#pragma once

#include "server/log/log_writer.h"

namespace proctor::server {

// Makes the process name the signal when a fault of its own (SIGSEGV, SIGABRT and the like) ends
// it: a line on stderr, then the signal's default action. Lines that wait in `writer` get a tenth
// of a second before it. Leaves alone a signal that has a handler already, as with sanitizers.
//
// Call once, before there are other threads. `writer` lives as long as the process does, or until
// RevokeLastWords. A stack that ran over dies without a word: there is no room for one.
void SetUpLastWords(const LogWriter* writer);

// From now on a fault does not wait for the writer.
void RevokeLastWords();

}  // namespace proctor::server
