#pragma once

#include "server/log/log_writer.h"

namespace proctor::server {

// Has the process say by which signal it dies, where a fault of its own (SIGSEGV, SIGABRT and the
// like) ends it: a line on stderr, then what the signal would have done without. Before it, what
// waits in `writer` gets a tenth of a second to be written. A signal that somebody handles
// already, as sanitizers do, is left alone.
//
// Call once, before there are other threads. `writer` lives as long as the process does, or until
// RevokeLastWords. A stack that ran over dies without a word: there is no room for one.
void SetUpLastWords(const LogWriter* writer);

// Has nobody wait for the writer any more.
void RevokeLastWords();

}  // namespace proctor::server
