// What happened to a process, in order, and why its output ended.
import {causeWords, exitWord, isLost} from '../value/exit_status.js';
import {enumName, parseTime, plural} from '../value/format.js';

// Returns rows of {kind, time, title, detail}.
export function timeline(record) {
  const {exit, drained} = record;
  const rows = [];
  if (record.started !== null) {
    const pid = record.pid ? `pid ${record.pid}` : '';
    const watcher = record.watcher ? `watched by ${record.watcher}` : '';
    rows.push({
      kind: 'started',
      time: record.started,
      title: 'Started',
      detail: [pid, watcher].filter(Boolean).join(', '),
    });
  }
  for (const event of record.marks.values()) {
    rows.push(markRow(event));
  }
  if (exit) {
    const by = exit.requestedBy ? `, ${exit.requestedBy}` : '';
    const source = exit.source === 'RECOVERED' ? ', status recovered from the kernel' : '';
    rows.push({
      kind: exit.kind,
      time: exit.exitedAt,
      title: isLost(exit) ? 'Lost with its server' : `Ended: ${exitWord(exit)}`,
      detail: `${causeWords(exit)}${by}${source}`,
    });
  }
  if (drained) {
    rows.push({
      kind: 'drained',
      time: parseTime(drained.time),
      title: drained.reason === 'DRAIN_REASON_SERVER_LOST' ? 'Output lost' : 'Output complete',
      detail: enumName(drained.reason, 'DRAIN_REASON_').toLowerCase().replaceAll('_', ' '),
    });
  }
  return rows.sort((one, other) => (one.time ?? 0) - (other.time ?? 0));
}

function markRow(event) {
  const time = parseTime(event.time);
  if (event.process_signalled) {
    const {signal, scope, requested_by: by} = event.process_signalled;
    const target = enumName(scope, 'SIGNAL_SCOPE_').toLowerCase();
    return {
      kind: 'signalled',
      time,
      title: signal,
      detail: [
        target && target !== 'unspecified' ? `to the ${target}` : '',
        by ? `asked for by ${by}` : '',
      ]
        .filter(Boolean)
        .join(', '),
    };
  }
  if (event.process_oom) {
    return {
      kind: 'failed',
      time,
      title: 'Out of memory',
      detail: `the kernel killed ${plural(Number(event.process_oom.killed ?? 0), 'process', 'processes')}`,
    };
  }
  const reason = event.process_removed?.reason ?? '';
  return {
    kind: 'removed',
    time,
    title: 'Forgotten',
    detail: reason.toLowerCase().replaceAll('_', ' '),
  };
}

export function drainWords(drained) {
  if (!drained) {
    return 'complete.';
  }
  const reason = enumName(drained.reason, 'DRAIN_REASON_');
  if (reason === 'EOF') {
    return 'every stream reached its end of file.';
  }
  const holders = (drained.holders ?? [])
    .map(({pid, command}) => `${command} (pid ${pid})`)
    .join(', ');
  if (reason === 'SERVER_LOST') {
    return 'the server that read it was lost, and what it kept is gone.';
  }
  return reason === 'GRACE_EXPIRED'
    ? `all that it wrote itself was read; others still hold its pipes${holders ? `: ${holders}` : ''}.`
    : `${reason.toLowerCase()}.`;
}
