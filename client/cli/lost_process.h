// Words about a process that was lost with its server: nobody knows how it ended, nor whether.
//
// Pure functions; thread-safe.
#ifndef PROCTOR_CLIENT_CLI_LOST_PROCESS_H_
#define PROCTOR_CLIENT_CLI_LOST_PROCESS_H_

#include <string>

#include "proctor/v1/process.pb.h"

namespace proctor::cli {

bool IsLost(const v1::Process& process);

// For a sentence about how it ended: "SERVER_LOST: it may run on as pid 42"; the reason alone of
// an end that is unknown for another cause; "" of one that is known.
std::string UnknownEndText(const v1::Process& process);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_LOST_PROCESS_H_
