// What was asked for and what was used, as rows for fillRows(). Defaults are left out, because they
// hide what is special.
import {percentWords} from '../live/usage.js';
import {
  bytes,
  commandOf,
  count,
  duration,
  enumName,
  parseDuration,
  shellCommand,
} from '../value/format.js';

const words = (value, prefix) => enumName(value, prefix).toLowerCase().replaceAll('_', ' ');

function isSet(value, prefix) {
  return Boolean(value) && enumName(value, prefix) !== 'UNSPECIFIED';
}

function limit(value) {
  return value === undefined || value === null ? 'unlimited' : String(value);
}

function cgroupWords(cgroup) {
  const parts = [];
  if (Number(cgroup.memory_bytes ?? 0) > 0) {
    parts.push(`memory ${bytes(cgroup.memory_bytes)}`);
  }
  if (Number(cgroup.cpus ?? 0) > 0) {
    parts.push(`${cgroup.cpus} CPUs`);
  }
  if (Number(cgroup.pids ?? 0) > 0) {
    parts.push(`${cgroup.pids} pids`);
  }
  if (cgroup.swap_bytes !== undefined && cgroup.swap_bytes !== null) {
    parts.push(`swap ${bytes(cgroup.swap_bytes)}`);
  }
  if (Number(cgroup.io_weight ?? 0) > 0) {
    parts.push(`io weight ${cgroup.io_weight}`);
  }
  return parts.join(', ');
}

function stopWords(stop) {
  const grace = stop.grace ? `, ${duration(parseDuration(stop.grace))} grace` : '';
  const scope = isSet(stop.scope, 'SIGNAL_SCOPE_')
    ? `, to the ${words(stop.scope, 'SIGNAL_SCOPE_')}`
    : '';
  return `SIG${(stop.signal || 'TERM').replace(/^SIG/, '')}${grace}${scope}`;
}

function userWords(user) {
  const name = user.group ? `${user.user}:${user.group}` : user.user;
  const groups = user.supplementary_groups?.length
    ? `, groups ${user.supplementary_groups.join(', ')}`
    : '';
  return `${name || "the server's own"}${groups}${user.allow_new_privileges ? ', may gain privileges' : ''}`;
}

function omittedWords({arguments: some, variables, bytes: size}) {
  return (
    `${count(Number(some ?? 0))} more arguments and ${count(Number(variables ?? 0))} more ` +
    `variables, ${bytes(size ?? 0)} in all`
  );
}

export function specRows(process) {
  const spec = process.spec ?? {};
  const rows = [
    ['id', process.process_id, {label: 'Copy the id', copy: process.process_id}],
    ['session', process.session_id, {href: `#/sessions/${process.session_id}`}],
    ['pid', process.pid ? String(process.pid) : ''],
    [
      'argv',
      commandOf(process),
      spec.argv && !process.spec_omitted
        ? {label: 'Copy the command', copy: shellCommand(spec.argv)}
        : null,
    ],
    ['not shown', process.spec_omitted ? omittedWords(process.spec_omitted) : ''],
    ['cwd', spec.cwd],
    [
      'environment',
      isSet(spec.env_base, 'ENVIRONMENT_BASE_') ? words(spec.env_base, 'ENVIRONMENT_BASE_') : '',
    ],
    [
      'variables',
      Object.keys(spec.env ?? {})
        .sort()
        .join(', '),
    ],
  ];
  for (const name of ['stdin', 'stdout', 'stderr']) {
    const mode = spec[`${name}_mode`];
    rows.push([name, isSet(mode, 'STDIO_MODE_') ? words(mode, 'STDIO_MODE_') : '']);
  }
  const size = spec.pty?.size;
  rows.push(
    [
      'terminal',
      spec.pty
        ? `${spec.pty.term || 'xterm-256color'}${size ? `, ${size.columns} × ${size.rows}` : ''}`
        : '',
    ],
    ['user', spec.user ? userWords(spec.user) : ''],
    [
      'umask',
      spec.umask === undefined || spec.umask === null
        ? ''
        : spec.umask.toString(8).padStart(4, '0'),
    ],
    ['nice', spec.nice === undefined || spec.nice === null ? '' : String(spec.nice)],
    ['oom_score_adj', spec.oom_score_adj == null ? '' : String(spec.oom_score_adj)],
    [
      'limits',
      (spec.rlimits ?? [])
        .map(({resource, soft, hard}) => `${resource} ${limit(soft)}:${limit(hard)}`)
        .join(', '),
    ],
    ['control group', spec.cgroup ? cgroupWords(spec.cgroup) : ''],
    ['run timeout', spec.run_timeout ? duration(parseDuration(spec.run_timeout)) : ''],
    ['idle timeout', spec.idle_timeout ? duration(parseDuration(spec.idle_timeout)) : ''],
    ['stop', spec.stop_policy ? stopWords(spec.stop_policy) : ''],
    [
      'kept output',
      Number(spec.output?.retain_bytes ?? 0) > 0 ? bytes(spec.output.retain_bytes) : '',
    ],
    [
      'when full',
      isSet(spec.output?.overflow, 'OVERFLOW_POLICY_')
        ? words(spec.output.overflow, 'OVERFLOW_POLICY_')
        : '',
    ],
    ['watcher', process.watcher],
    [
      'descendants by',
      isSet(process.tree_mechanism, 'TREE_MECHANISM_')
        ? words(process.tree_mechanism, 'TREE_MECHANISM_')
        : '',
    ],
  );
  return rows.filter(([, value]) => value);
}

// The rows of a running process. `used` is from Usage, and null before the first answer.
export function liveRows(used) {
  if (used === null) {
    return [];
  }
  const limit = used.limit > 0 ? ` of ${bytes(used.limit)}` : '';
  return [
    ['CPU now', percentWords(used.cpu)],
    ['CPU so far', duration(used.cpuTime)],
    ['memory', `${bytes(used.memory)}${limit}`],
    ['threads', count(used.tasks)],
    [
      'counted',
      used.source === 'USAGE_SOURCE_GROUP' ? 'by its control group' : 'with its descendants',
    ],
  ];
}

export function usageRows(exit, outputs, drained) {
  const rows = [];
  const usage = exit?.usage;
  const open = drained ? ', its end not seen' : ', open';
  if (usage) {
    const number = (value) => count(Number(value ?? 0));
    rows.push(
      [
        'CPU',
        `${duration(exit.cpu)} (${duration(parseDuration(usage.user_time) ?? 0)} user, ` +
          `${duration(parseDuration(usage.system_time) ?? 0)} system)`,
      ],
      ['max RSS', bytes(exit.rss)],
      ['memory peak', bytes(usage.memory_peak_bytes ?? null)],
      ['page faults', `${number(usage.minor_faults)} minor, ${number(usage.major_faults)} major`],
      [
        'switches',
        `${number(usage.voluntary_switches)} voluntary, ${number(usage.involuntary_switches)} forced`,
      ],
      [
        'block I/O',
        `${bytes(Number(usage.block_inputs ?? 0) * 512)} read, ` +
          `${bytes(Number(usage.block_outputs ?? 0) * 512)} written`,
      ],
    );
  }
  for (const {stream, total_bytes: total, dropped_bytes: dropped, eof} of outputs ?? []) {
    const lost = Number(dropped ?? 0) > 0 ? `, ${bytes(dropped)} no longer kept` : '';
    rows.push([words(stream, 'STREAM_'), `${bytes(total ?? 0)}${lost}${eof ? ', ended' : open}`]);
  }
  return rows;
}
