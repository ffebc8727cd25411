// How a process ended: in one word, in a few words, and in a sentence.
import {duration, enumName, parseDuration, parseTime, plural} from './format.js';

const CAUSES = {
  SELF: 'by itself',
  CLIENT_SIGNAL: 'signalled by a client',
  RUN_TIMEOUT: 'run timeout',
  OOM_KILLED: 'out of memory',
  LEASE_EXPIRED: 'lease expired',
  SESSION_CLOSED: 'session closed',
  SERVER_SHUTDOWN: 'server shut down',
  DISCONNECTED: 'client was lost',
  IDLE_TIMEOUT: 'idle timeout',
  CRASHED: 'crashed',
};

const BECAUSE = {
  CLIENT_SIGNAL: 'because a client asked for it',
  RUN_TIMEOUT: 'because its run timeout passed',
  OOM_KILLED: 'because the kernel killed it for its use of memory',
  LEASE_EXPIRED: 'because the lease of its session ran out',
  SESSION_CLOSED: 'because its session was closed',
  SERVER_SHUTDOWN: 'because the server shut down',
  DISCONNECTED: 'because the stream that ran it was lost',
  IDLE_TIMEOUT: 'because it was silent for longer than its idle timeout',
  CRASHED: 'which is a crash: nobody here sent that',
};

const UNKNOWN = {
  SERVER_LOST: 'the server was lost while the process ran',
  SERVER_LOST_AT_START: 'the server was lost while it started the process, which may have run',
  REAPED_ELSEWHERE: 'somebody else took the status before the server could',
};

// These were lost with their server, and may not have ended at all.
const LOST = {SERVER_LOST: 'maybe running', SERVER_LOST_AT_START: 'may have run'};

const ASKED_FOR = new Set(['CLIENT_SIGNAL', 'SESSION_CLOSED']);

// Reads a proctor.v1.ExitStatus. `kind` chooses the colour. All kinds but ok count as failures, as
// in the server's metrics:
//   ok       exit code 0
//   asked    any other end that a client asked for
//   failed   any other end
//   unknown  the end is not known, which is never success
export function readExit(status) {
  const cause = enumName(status.cause, 'EXIT_CAUSE_');
  const usage = status.usage ?? null;
  const exit = {
    cause,
    code: status.exit_code ?? null,
    signal: status.signal ?? null,
    signalName: status.signal_name || (status.signal ? `signal ${status.signal}` : ''),
    unknown: status.unknown?.reason ?? (status.unknown ? 'UNKNOWN' : null),
    returncode: status.returncode ?? 255,
    coreDumped: status.core_dumped ?? false,
    requestedBy: status.requested_by ?? '',
    source: enumName(status.source, 'STATUS_SOURCE_'),
    startedAt: parseTime(status.started_at),
    exitedAt: parseTime(status.exited_at),
    duration: parseDuration(status.duration),
    cpu: usage && (parseDuration(usage.user_time) ?? 0) + (parseDuration(usage.system_time) ?? 0),
    // The server leaves it unset if it does not know it.
    rss: usage?.max_rss_bytes === undefined ? null : Number(usage.max_rss_bytes),
    usage,
  };
  if (exit.unknown !== null) {
    exit.kind = 'unknown';
    // Here, the contract's 0 means that it was not measured.
    exit.duration ||= null;
  } else if (exit.code === 0) {
    exit.kind = 'ok';
  } else {
    exit.kind = ASKED_FOR.has(cause) ? 'asked' : 'failed';
  }
  return exit;
}

// "exit 3", "SIGKILL", "lost", "unknown"
export function exitWord(exit) {
  if (exit.unknown !== null) {
    return isLost(exit) ? 'lost' : 'unknown';
  }
  return exit.signal === null ? `exit ${exit.code}` : exit.signalName;
}

export function isLost(exit) {
  return exit.unknown !== null && exit.unknown in LOST;
}

// What GetProcess's last answer says of a lost process.
function fateSentence(process) {
  const left = process.survivors ?? 0;
  const pid = process.pid ?? 0;
  if (left > 0) {
    return ` ${plural(left, 'process runs', 'processes run')} on in its control group${pid ? ` (its pid was ${pid})` : ''}.`;
  }
  if (process.tree_empty) {
    return ' Nothing of it runs any more.';
  }
  return pid ? ` It may run on, as pid ${pid}.` : ' It may run on.';
}

export function causeWords(exit) {
  if (isLost(exit)) {
    return LOST[exit.unknown];
  }
  if (exit.unknown !== null) {
    return exit.unknown.toLowerCase().replaceAll('_', ' ');
  }
  if (exit.cause === 'SELF' && exit.signal !== null) {
    return 'outside signal';
  }
  return CAUSES[exit.cause] ?? 'cause not known';
}

// `process` is GetProcess's last answer. Its fields may be absent.
export function exitSentence(exit, process) {
  const after = exit.duration === null ? '' : ` after ${duration(exit.duration)}`;
  if (exit.unknown !== null) {
    const fate = isLost(exit) ? fateSentence(process) : '';
    return `Nobody can tell how it ended: ${UNKNOWN[exit.unknown] ?? exit.unknown}.${fate}`;
  }
  const how =
    exit.signal === null
      ? `It exited with code ${exit.code}`
      : `It was ended by ${exit.signalName} (${exit.signal})`;
  let why = BECAUSE[exit.cause] ?? '';
  if (exit.cause === 'SELF') {
    why = exit.signal === null ? '' : 'which this server did not send';
  }
  const by = exit.requestedBy ? `: ${exit.requestedBy}` : '';
  const core = exit.coreDumped ? ' It left a core dump.' : '';
  return `${how}${after}${why ? `, ${why}` : ''}${by}.${core}`;
}
