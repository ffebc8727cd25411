// The sessions, processes, output and events of a FakeServer. Tests make them up.
'use strict';

const crypto = require('node:crypto');

const randomId = () => crypto.randomBytes(16).toString('hex').slice(0, 26);
const stamp = (milliseconds) => new Date(milliseconds).toISOString();
const seconds = (milliseconds) => `${milliseconds / 1000}s`;

class FakeWorld {
  events = [];
  first = 1;
  last = 0;
  logId = randomId();
  sessions = new Map();
  processes = new Map();
  outputs = new Map();
  // The bytes that were written to each stdin, and the sizes that terminals got.
  inputs = new Map();
  sizes = [];
  // The processes that read no stdin, and those of them with a write that waits.
  unread = new Set();
  writing = new Set();
  // The number of bytes that are no longer kept, by process and stream.
  #dropped = new Map();
  // Called for each event, each piece of output, and each end of a process's output.
  told = {onEvent() {}, onOutput() {}, onDrained() {}};

  constructor() {
    this.session = this.openSession({is_default: true});
  }

  // Forgets events before `first`, as a full log does.
  expireBefore(first) {
    this.first = first;
    this.events = this.events.filter(({sequence}) => Number(sequence) >= first);
  }

  changeLog() {
    this.logId = randomId();
    this.events = [];
    this.first = 1;
    this.last = 0;
  }

  // Loses the newest events, as a log that is restored from a copy.
  loseEnd(count) {
    this.last -= count;
    this.events = this.events.filter(({sequence}) => Number(sequence) <= this.last);
  }

  // Counts an event that is never sent.
  skipSequence() {
    this.last++;
  }

  openSession(fields = {}) {
    const session = {
      session_id: randomId(),
      state: 'SESSION_STATE_OPEN',
      policy: 'default',
      watcher: 'pidfd',
      loop: 'selector',
      is_default: false,
      labels: {},
      created_at: stamp(Date.now()),
      ...fields,
    };
    this.sessions.set(session.session_id, session);
    this.append({
      type: 'EVENT_TYPE_SESSION_OPENED',
      session_id: session.session_id,
      labels: session.labels,
      session_opened: {session: {...session}},
    });
    return session;
  }

  closeSession(session, reason = 'CLIENT_REQUEST') {
    session.state = 'SESSION_STATE_CLOSED';
    this.append({
      type: 'EVENT_TYPE_SESSION_CLOSED',
      session_id: session.session_id,
      session_closed: {reason},
    });
  }

  start(argv, {labels = {}, session = this.session, at = Date.now(), spec = {}} = {}) {
    const process = {
      process_id: randomId(),
      session_id: session.session_id,
      spec: {argv, labels, ...spec},
      pid: 1000 + this.processes.size,
      state: 'PROCESS_STATE_RUNNING',
      watcher: session.watcher,
      started_at: stamp(at),
      output: [],
      tree_mechanism: 'TREE_MECHANISM_WALK',
    };
    this.processes.set(process.process_id, process);
    this.outputs.set(process.process_id, []);
    this.append(
      {
        type: 'EVENT_TYPE_PROCESS_STARTED',
        session_id: process.session_id,
        process_id: process.process_id,
        labels,
        process_started: {process: {...process}},
      },
      at,
    );
    return process.process_id;
  }

  exit(id, status = {exit_code: 0}, at = Date.now()) {
    const process = this.processes.get(id);
    const ran = at - Date.parse(process.started_at);
    process.state = 'PROCESS_STATE_EXITED';
    process.exit_status = {
      returncode: status.exit_code ?? (status.signal ? -status.signal : 255),
      signal_name: '',
      core_dumped: false,
      cause: 'EXIT_CAUSE_SELF',
      requested_by: '',
      started_at: process.started_at,
      exited_at: stamp(at),
      duration: seconds(ran),
      watcher: process.watcher,
      source: 'STATUS_SOURCE_WAITED',
      usage: {
        user_time: seconds(ran * 0.4),
        system_time: seconds(ran * 0.05),
        max_rss_bytes: String(8 * 2 ** 20 + ((ran * 977) % (200 * 2 ** 20))),
        minor_faults: '812',
        major_faults: '0',
        voluntary_switches: '31',
        involuntary_switches: '4',
        block_inputs: '0',
        block_outputs: '8',
      },
      output: this.totals(id),
      ...status,
    };
    this.append(
      this.about(id, 'EVENT_TYPE_PROCESS_EXITED', {
        process_exited: {exit_status: process.exit_status},
      }),
      at,
    );
  }

  drain(id, drained = {reason: 'DRAIN_REASON_EOF', holders: []}, at = Date.now()) {
    const process = this.processes.get(id);
    process.state = 'PROCESS_STATE_DRAINED';
    process.drained = {...drained, output: this.totals(id), time: stamp(at)};
    this.append(this.about(id, 'EVENT_TYPE_OUTPUT_DRAINED', {output_drained: process.drained}), at);
    this.told.onDrained(process);
  }

  finish(id, status, at) {
    this.exit(id, status, at);
    this.drain(id, undefined, at);
  }

  signal(id, signal, requestedBy = 'uid 1000 (unix)') {
    this.append(
      this.about(id, 'EVENT_TYPE_PROCESS_SIGNALLED', {
        process_signalled: {signal, scope: 'SIGNAL_SCOPE_GROUP', requested_by: requestedBy},
      }),
    );
  }

  remove(id) {
    const event = this.about(id, 'EVENT_TYPE_PROCESS_REMOVED', {
      process_removed: {reason: 'CLIENT_REQUEST'},
    });
    this.processes.delete(id);
    this.append(event);
  }

  write(id, text, stream = 'STREAM_STDOUT') {
    const chunks = this.outputs.get(id);
    const data = Buffer.from(text);
    const offset = chunks.reduce(
      (sum, chunk) => sum + (chunk.stream === stream ? chunk.data.length : 0),
      0,
    );
    chunks.push({stream, offset, data});
    this.told.onOutput(id, chunks.at(-1));
  }

  // Tells of `size` bytes that are no longer kept.
  gap(id, size, stream = 'STREAM_STDOUT') {
    const chunks = this.outputs.get(id);
    const offset = chunks.reduce(
      (sum, chunk) => sum + (chunk.stream === stream ? chunk.data.length : 0),
      0,
    );
    chunks.push({stream, offset, data: Buffer.alloc(size), gap: true});
    this.told.onOutput(id, chunks.at(-1));
  }

  // Drops the first `size` bytes.
  drop(id, size, stream = 'STREAM_STDOUT') {
    this.#dropped.set(id, {...this.#dropped.get(id), [stream]: size});
  }

  dropped(id, stream) {
    return this.#dropped.get(id)?.[stream] ?? 0;
  }

  total(id, stream) {
    return this.outputs
      .get(id)
      .reduce((sum, chunk) => sum + (chunk.stream === stream ? chunk.data.length : 0), 0);
  }

  about(id, type, detail) {
    const process = this.processes.get(id);
    return {
      type,
      session_id: process.session_id,
      process_id: id,
      labels: process.spec.labels,
      ...detail,
    };
  }

  totals(id) {
    return ['STREAM_STDOUT', 'STREAM_STDERR'].map((stream) => ({
      stream,
      dropped_bytes: String(this.dropped(id, stream)),
      eof: true,
      total_bytes: String(this.total(id, stream)),
    }));
  }

  offsets(id) {
    return this.totals(id)
      .map(({total_bytes: total}) => total)
      .join(':');
  }

  append(fields, at = Date.now()) {
    this.last++;
    const event = {
      log_id: this.logId,
      sequence: String(this.last),
      time: stamp(at),
      session_id: '',
      process_id: '',
      labels: {},
      ...fields,
    };
    this.events.push(event);
    this.told.onEvent(event);
  }
}

module.exports = {FakeWorld, randomId, stamp};
