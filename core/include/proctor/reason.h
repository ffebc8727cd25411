#pragma once

#include <cstdint>
#include <string_view>

namespace proctor {

// Why something failed, one word for each kind of error: those of proctor.v1.ErrorReason, which
// says of each what it means. Code that acts on an error asks for its reason, never for its text.
enum class Reason : uint8_t {
  kNone,  // the error has no reason, or one that this version does not know

  // Of requests.
  kInvalidField,
  kRequestIdReused,
  kQuotaExceeded,
  kServerDraining,

  // Of sessions.
  kSessionNotFound,
  kSessionClosed,
  kSessionResources,
  kNoLease,
  kCloseTimeout,

  // Of starts.
  kStartCancelled,
  kNameInUse,
  kExecutableNotFound,
  kExecutableNotRunnable,
  kArgumentsTooLong,
  kWorkingDirectoryUnusable,
  kIdentityUnavailable,
  kLimitUnavailable,
  kSpawnResources,
  kSpawnTimeout,
  kSpawnFailed,
  kLaunchMethodUnavailable,

  // Of processes.
  kProcessNotFound,
  kProcessRunning,
  kProcessExited,
  kProcessLost,
  kSpecificationIncomplete,
  kNoTerminal,
  kStdinNotPiped,
  kStdinClosed,
  kStdinBusy,
  kStdinShared,
  kOffsetOutOfRange,
  kWaitTimeout,
  kStopTimeout,
  kTreeUnknown,
  kProcUnavailable,
  kCgroupUnavailable,

  // Of kept output.
  kOutputLost,
  kOutputDamaged,
  kOutputNotKept,
  kOutputTooLarge,
  kOutputMemory,

  // Of events.
  kEventsExpired,
  kLogChanged,
  kPositionInFuture,

  // Of storage.
  kStorageFull,
  kStorageBusy,
  kStorageSlow,
  kStorageFailed,
  kStorageCorrupt,
  kStorageLost,
  kStateDirUnusable,
  kStateDirInUse,
  kSocketDirUnusable,
  kSecretExposed,

  // Of policies, loops and watchers.
  kPolicyUnavailable,
  kPolicyExists,
  kPolicyFactoryFailed,
  kPolicyAnsweredNothing,
  kWatcherUnavailable,
  kWatcherFactoryFailed,
  kWatcherInactive,
  kWatcherClosed,
  kWatchersUnsupported,
  kNoScope,
  kNoSuchChild,
  kHandlerThrew,
  kNotMainThread,
  kNoRunningLoop,
  kNoCurrentEventLoop,
  kLoopRunning,
  kLoopClosed,
  kLoopResources,
  kWrongThread,
  kCallbackThrew,
  kSlowCallback,
  kDescriptorClosed = 78,  // 77 and 80 to 82 are of earlier versions
  kUnwatchableDescriptor,
  kIoUringUnavailable = 83,
  kUringRefused,
  kUringResources,
  kRingClosed,
  kPidfdRefused,

  // Of the machine.
  kOutOfDescriptors,
  kOutOfThreads,
  kSystemCallFailed,
  kThreadStuck,

  // Of the HTTP side.
  kTokenRequired,
  kLoginCodeInvalid,
  kMayOnlyLook,
  kNoDashboard,
  kHostNotAllowed,
  kOriginNotAllowed,
  kMethodNotAllowed,
  kNoSuchPath,
  kMalformedTarget,
  kMalformedRequest,
  kNotJson,
  kMalformedJson,
  kBodyTooLarge,
  kTooManyConnections,

  // Of clients.
  kAmbiguousId,
};

// One more than the greatest.
inline constexpr int kReasons = 107;

// "STDIN_CLOSED" for kStdinClosed; "" for kNone. Static text.
std::string_view ReasonName(Reason reason);

// The reason of a name; kNone for a name that is not known.
Reason ReasonOfName(std::string_view name);

}  // namespace proctor
