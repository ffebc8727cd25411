#include "server/wire/word.h"

namespace proctor::wire {

const char* WordOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kUnknown:
      return "";
    case CloseReason::kClientRequest:
      return "CLIENT_REQUEST";
    case CloseReason::kLeaseExpired:
      return "LEASE_EXPIRED";
    case CloseReason::kServerShutdown:
      return "SERVER_SHUTDOWN";
    case CloseReason::kServerLost:
      return "SERVER_LOST";
  }
  return "";
}

const char* WordOf(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::kUnknown:
      return "";
    case RemovalReason::kClientRequest:
      return "CLIENT_REQUEST";
    case RemovalReason::kRetention:
      return "RETENTION";
  }
  return "";
}

const char* WordOf(LeaseExpiry expiry) {
  switch (expiry) {
    case LeaseExpiry::kKill:
      return "KILL";
    case LeaseExpiry::kKeep:
      return "KEEP";
  }
  return "";
}

const char* WordOf(SignalScope scope) {
  switch (scope) {
    case SignalScope::kLeader:
      return "LEADER";
    case SignalScope::kGroup:
      return "GROUP";
    case SignalScope::kTree:
      return "TREE";
  }
  return "";
}

const char* WordOf(OverflowPolicy overflow) {
  switch (overflow) {
    case OverflowPolicy::kBlockChild:
      return "BLOCK_CHILD";
    case OverflowPolicy::kDropOldest:
      return "DROP_OLDEST";
  }
  return "";
}

const char* WordOf(DrainReason reason) {
  switch (reason) {
    case DrainReason::kEof:
      return "EOF";
    case DrainReason::kGraceExpired:
      return "GRACE_EXPIRED";
    case DrainReason::kServerLost:
      return "SERVER_LOST";
  }
  return "";
}

const char* WordOf(ExitCause cause) {
  switch (cause) {
    case ExitCause::kUnknown:
      return "UNSPECIFIED";
    case ExitCause::kSelf:
      return "SELF";
    case ExitCause::kClientSignal:
      return "CLIENT_SIGNAL";
    case ExitCause::kRunTimeout:
      return "RUN_TIMEOUT";
    case ExitCause::kOomKilled:
      return "OOM_KILLED";
    case ExitCause::kLeaseExpired:
      return "LEASE_EXPIRED";
    case ExitCause::kSessionClosed:
      return "SESSION_CLOSED";
    case ExitCause::kServerShutdown:
      return "SERVER_SHUTDOWN";
    case ExitCause::kDisconnected:
      return "DISCONNECTED";
    case ExitCause::kIdleTimeout:
      return "IDLE_TIMEOUT";
    case ExitCause::kCrashed:
      return "CRASHED";
  }
  return "";
}

}  // namespace proctor::wire
