// The actions on a process: when each makes sense, and the question before it.
import {ask} from '../element/ask.js';
import {REMOVED, RUNNING} from '../live/process_record.js';
import {duration, parseDuration} from '../value/format.js';
import {call, readProcess, requestId} from '../wire/call.js';
import {login} from '../wire/login.js';

const SIGNALS = [
  ['INT', 'INT: interrupt, as Ctrl-C'],
  ['TERM', 'TERM: end'],
  ['HUP', 'HUP: hang up, often: read the settings again'],
  ['QUIT', 'QUIT: end, with a core'],
  ['USR1', 'USR1'],
  ['USR2', 'USR2'],
  ['STOP', 'STOP: halt'],
  ['CONT', 'CONT: go on'],
  ['WINCH', 'WINCH: the window has another size'],
  ['ABRT', 'ABRT: abort, with a core'],
  ['ALRM', 'ALRM'],
  ['KILL', 'KILL: end at once'],
];
const SCOPES = [
  ['SIGNAL_SCOPE_LEADER', 'the process itself'],
  ['SIGNAL_SCOPE_GROUP', 'its process group'],
  ['SIGNAL_SCOPE_TREE', 'all its descendants, too'],
];
// The server's default.
const DEFAULT_GRACE_MS = 10_000;
const OPEN = 'SESSION_STATE_OPEN';

// `sense` returns why an action makes no sense for a record, or ''.
const ACTIONS = {
  stop: {label: 'Stop…', sense: endedWhy, needsSpec: true},
  kill: {label: 'Kill…', sense: endedWhy},
  signal: {label: 'Signal…', sense: endedWhy},
  restart: {label: 'Start again…', sense: forgottenWhy, needsSpec: true},
  remove: {
    label: 'Forget…',
    sense: (record) =>
      record.state === RUNNING ? 'It runs: stop it first.' : forgottenWhy(record),
  },
};

function endedWhy(record, process) {
  return record.state === RUNNING || Number(process?.survivors ?? 0) > 0 ? '' : 'It has ended.';
}

function forgottenWhy(record) {
  return record.state === REMOVED ? 'The server no longer lists it.' : '';
}

export class ProcessActions {
  #store;

  constructor(store) {
    this.#store = store;
  }

  names() {
    return Object.keys(ACTIONS);
  }

  label(name, record) {
    return name === 'restart' && record?.state === RUNNING ? 'Restart…' : ACTIONS[name].label;
  }

  // Returns why the action cannot be done now, or ''. `process` is the server's last answer about
  // the process, or null.
  refusal(name, record, process = null) {
    if (record.command === '') {
      return 'The server does not know this process.';
    }
    return ACTIONS[name].sense(record, process) || login.whyNot;
  }

  // Asks the question, if the action makes sense. Reads the process first if the question needs it.
  async start(name, record, process = null) {
    if (this.refusal(name, record, process) !== '') {
      return;
    }
    let known = process;
    if (known === null && ACTIONS[name].needsSpec) {
      try {
        known = await readProcess(record.id);
      } catch {
        // Then the question names no grace and no signal, and the server uses its own.
      }
      if (document.querySelector('dialog[open]') || this.refusal(name, record, known) !== '') {
        return;
      }
    }
    this[`_${name}`](record, known);
  }

  _stop(record, process) {
    const own = graceOf(process);
    const shown = own === null ? '' : String(own / 1000);
    const survivors = record.state !== RUNNING;
    ask({
      title: survivors ? 'Stop what it left behind?' : 'Stop this process?',
      subject: record.command,
      text: survivors
        ? `All that runs on in its control group gets ${signalOf(process)}, and after the grace SIGKILL.`
        : `It gets ${signalOf(process)}, and what is left after the grace SIGKILL.`,
      fields: [
        {
          name: 'grace',
          label: 'Grace',
          value: shown,
          hint: 'seconds; 0 for SIGKILL at once; empty for its own',
        },
      ],
      action: 'Stop',
      busy: 'Stopping…',
      danger: true,
      // The server takes what is left out from the process's own policy.
      act: ({grace}) => {
        const changes = {
          ...(![shown, ''].includes(grace.trim()) && {grace: parseGrace(grace)}),
          ...(survivors && {scope: 'SIGNAL_SCOPE_TREE'}),
        };
        const none = Object.keys(changes).length === 0;
        return call(record.id, 'stop', none ? {} : {stop_policy: changes});
      },
    });
  }

  _kill(record) {
    ask({
      title: 'Kill this process?',
      subject: record.command,
      text: 'SIGKILL ends it at once: it can save nothing and clean nothing up.',
      fields: [
        {
          name: 'scope',
          label: 'Who gets it',
          value: record.state === RUNNING ? 'SIGNAL_SCOPE_GROUP' : 'SIGNAL_SCOPE_TREE',
          options: SCOPES,
        },
      ],
      action: 'Kill',
      busy: 'Killing…',
      danger: true,
      act: ({scope}) => call(record.id, 'signal', {signal: 'KILL', scope}),
    });
  }

  _signal(record) {
    ask({
      title: 'Send a signal',
      subject: record.command,
      fields: [
        {name: 'signal', label: 'Signal', options: SIGNALS},
        {
          name: 'scope',
          label: 'Who gets it',
          value: record.state === RUNNING ? 'SIGNAL_SCOPE_LEADER' : 'SIGNAL_SCOPE_TREE',
          options: SCOPES,
        },
      ],
      action: 'Send',
      busy: 'Sending…',
      act: ({signal, scope}) => call(record.id, 'signal', {signal, scope}),
    });
  }

  _restart(record, process) {
    const running = record.state === RUNNING;
    const id = requestId();
    const session = this.#store.sessions.get(record.sessionId);
    const closed = session ? session.state !== OPEN : this.#store.position !== null;
    const elsewhere = closed && this.#defaultSession();
    const grace = graceOf(process);
    const parts = [
      running
        ? `It is stopped first, with ${grace === null ? 'its own grace' : `a grace of ${duration(grace)}`}.`
        : '',
      'A new process with an id of its own is started with the same specification.',
      elsewhere ? 'Its session is closed: it starts in the default session.' : '',
    ];
    ask({
      title: running ? 'Stop this process and start it again?' : 'Start this process again?',
      subject: record.command,
      text: parts.filter(Boolean).join(' '),
      action: running ? 'Restart' : 'Start again',
      busy: running ? 'Restarting…' : 'Starting…',
      danger: running,
      act: async (values, {signal}) => {
        if (running) {
          await call(record.id, 'stop', {});
          signal.throwIfAborted();
        }
        // Each try has the same id, so a lost answer does not start a second process.
        const answer = await call(record.id, 'restart', {
          request_id: id,
          ...(elsewhere && {session_id: elsewhere}),
        });
        if (!signal.aborted) {
          location.hash = `#/processes/${answer.process.process_id}`;
        }
      },
    });
  }

  _remove(record) {
    ask({
      title: 'Forget this process?',
      subject: record.command,
      text: 'The server forgets how it ended, and what it wrote that was kept.',
      action: 'Forget',
      busy: 'Forgetting…',
      danger: true,
      act: () => call(record.id, 'remove', {}),
    });
  }

  #defaultSession() {
    return [...this.#store.sessions.values()].find(
      ({is_default: isDefault, state}) => isDefault && state === OPEN,
    )?.session_id;
  }
}

// The grace of its own stop policy, in milliseconds. Null if the process is not known.
function graceOf(process) {
  if (process === null) {
    return null;
  }
  const {grace} = process.spec?.stop_policy ?? {};
  return grace ? parseDuration(grace) : DEFAULT_GRACE_MS;
}

function signalOf(process) {
  if (process === null) {
    return 'its stop signal';
  }
  return `SIG${(process.spec?.stop_policy?.signal || 'TERM').replace(/^SIG/, '')}`;
}

function parseGrace(text) {
  const seconds = Number(text.trim().replace(/\s*s$/, ''));
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new Error(`The grace is a number of seconds, not '${text}'.`);
  }
  return `${seconds}s`;
}
