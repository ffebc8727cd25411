// What the page knows of the server. It changes here only.
//
// Each event is applied once, in order. apply() says whether an event was new, was a repetition,
// or showed that others are missing. A start and an exit are counted when the record first learns of
// them, be it from a snapshot or from an event.
import {parseTime} from '../value/format.js';
import {ProcessRecord, REMOVED, RUNNING} from './process_record.js';
import {Series} from './series.js';

const MOST_EXITS = 1000;
const MOST_GHOSTS = 2000;
const MOST_CLOSED_SESSIONS = 100;

export class Store {
  processes = new Map();
  sessions = new Map();
  // Records with an exit, oldest first. Their processes may be forgotten already.
  exits = [];
  series = new Series();
  // A GetServerInfoResponse. Null until it was read.
  server = null;
  draining = false;
  // The last event that was applied: {logId, sequence}, or null.
  position = null;
  // The sequences of all applied events, as closed ranges: [{logId, from, to}].
  applied = [];
  // Spans of server time in which events were missed: [{from, to}].
  gaps = [];
  running = 0;
  version = 0;
  snapshots = 0;
  // Removed processes that the feed or a page may still ask for.
  #ghosts = new Map();
  // What to add to this machine's clock to get the server's.
  #skew = null;
  #frozenAt = null;

  // The server's time. Once the connection is lost, it stands still: nothing is known of what came
  // later.
  now() {
    return this.#frozenAt ?? Date.now() + (this.#skew ?? 0);
  }

  freeze(age) {
    this.#frozenAt ??= this.now() - age;
  }

  thaw() {
    this.#frozenAt = null;
  }

  // Messages arrive late, never early, so the greatest difference is the best estimate.
  hearTime(time) {
    const difference = time - Date.now();
    if (this.#skew === null || difference > this.#skew) {
      this.#skew = difference;
    }
  }

  // The time of an answer that came without delay. It is exact to the second only.
  setTime(time) {
    const difference = time - Date.now();
    if (Number.isNaN(difference)) {
      return;
    }
    if (this.#skew === null || Math.abs(difference - this.#skew) > 3000) {
      this.#skew = difference;
    }
  }

  find(id) {
    return this.processes.get(id) ?? this.#ghosts.get(id) ?? null;
  }

  setServer(info) {
    this.server = info;
    this.draining = info.draining ?? false;
    this.version++;
  }

  // Replaces all that is known by a snapshot as of `position`. Returns the records of processes
  // that were running and are not in the snapshot.
  replace(items, position) {
    const before = this.processes;
    this.processes = new Map();
    this.sessions = new Map();
    this.running = 0;
    for (const item of items) {
      if (item.session) {
        this.#addSession(item.session);
      } else if (item.process) {
        const id = item.process.process_id;
        this.#addProcess(before.get(id) ?? this.#revive(id), item.process);
      }
    }
    const lost = [];
    for (const [id, record] of before) {
      if (!this.processes.has(id)) {
        if (record.state === RUNNING) {
          lost.push(record);
        }
        record.remove();
        this.#bury(record);
      }
    }
    this.exits.sort((one, other) => one.exit.exitedAt - other.exit.exitedAt);
    this.#trimExits();
    this.position = position;
    this.snapshots++;
    this.version++;
    return lost;
  }

  // The newest exits, newest first.
  newestExits() {
    return this.exits.slice(-MOST_EXITS).reverse();
  }

  // Applies an event. Returns 'applied', or else 'repeated' or 'hole', and then changes nothing.
  apply(event) {
    const sequence = Number(event.sequence);
    const {logId, sequence: last} = this.position;
    if (event.log_id !== logId) {
      return 'hole';
    }
    if (sequence <= last) {
      return 'repeated';
    }
    if (sequence !== last + 1) {
      return 'hole';
    }
    this.#take(event);
    this.position = {logId, sequence};
    this.#note(logId, sequence);
    this.version++;
    return 'applied';
  }

  // Takes renewed leases, which no event tells.
  refreshSessions(sessions) {
    for (const session of sessions) {
      const known = this.sessions.get(session.session_id);
      if (known && known.state !== 'SESSION_STATE_CLOSED') {
        Object.assign(known, session);
      }
    }
    this.version++;
  }

  #take(event) {
    switch (event.type) {
      case 'EVENT_TYPE_SESSION_OPENED':
        this.#addSession(event.session_opened.session);
        break;
      case 'EVENT_TYPE_SESSION_CLOSED':
        this.#closeSession(event.session_id, event.session_closed?.reason ?? '');
        break;
      case 'EVENT_TYPE_WATCHER_CHANGED':
        Object.assign(this.sessions.get(event.session_id) ?? {}, {
          watcher: event.watcher_changed.to,
        });
        break;
      case 'EVENT_TYPE_SERVER_DRAINING':
        // An event that is read late may be of the server's last run.
        this.draining ||= parseTime(event.time) >= (parseTime(this.server?.started_at) ?? 0);
        break;
      case 'EVENT_TYPE_PROCESS_STARTED':
        this.#addProcess(this.#record(event), event.process_started.process);
        break;
      case 'EVENT_TYPE_PROCESS_UPDATED':
        this.#addProcess(this.#record(event), event.process_updated.process);
        break;
      case 'EVENT_TYPE_PROCESS_EXITED':
        this.#change(this.#record(event), (record) =>
          record.setExit(event.process_exited.exit_status),
        );
        break;
      case 'EVENT_TYPE_OUTPUT_DRAINED':
        this.#change(this.#record(event), (record) => record.setDrained(event.output_drained));
        break;
      case 'EVENT_TYPE_PROCESS_SIGNALLED':
      case 'EVENT_TYPE_PROCESS_OOM':
        this.#record(event).mark(event);
        break;
      case 'EVENT_TYPE_PROCESS_REMOVED':
        this.#remove(event);
        break;
    }
  }

  // The record of an event. It is a new one if the snapshot did not list its process.
  #record(event) {
    const known = this.find(event.process_id);
    if (known) {
      return known;
    }
    const record = new ProcessRecord(event.process_id);
    record.sessionId = event.session_id;
    record.setLabels(event.labels);
    this.processes.set(record.id, record);
    this.#count(record, 1);
    return record;
  }

  // A record for a process of a snapshot. A log that lost its end may list a process that was
  // removed before. That is not counted a second time.
  #revive(id) {
    const record = new ProcessRecord(id);
    const ghost = this.#ghosts.get(id);
    record.startCounted = ghost?.startCounted ?? false;
    record.exitCounted = ghost?.exitCounted ?? false;
    this.#ghosts.delete(id);
    return record;
  }

  #addProcess(record, process) {
    const listed = this.processes.has(record.id);
    if (!listed && record.state !== REMOVED) {
      this.processes.set(record.id, record);
      this.#count(record, 1);
    }
    this.#change(record, () => record.merge(process));
  }

  // Makes a change, and keeps all counts right.
  #change(record, change) {
    const listed = this.processes.has(record.id);
    if (listed) {
      this.#count(record, -1);
    }
    change(record);
    if (listed) {
      this.#count(record, 1);
    }
    if (!record.startCounted && record.started !== null) {
      record.startCounted = true;
      this.series.addStart(record.started);
    }
    if (!record.exitCounted && record.exit) {
      record.exitCounted = true;
      this.#addExit(record);
    }
  }

  #count(record, by) {
    const session = this.sessions.get(record.sessionId);
    if (record.state === RUNNING) {
      this.running += by;
    }
    if (session && record.state === RUNNING) {
      session.running += by;
    } else if (session) {
      session.ended += by;
    }
  }

  #addExit(record) {
    const {exit} = record;
    exit.exitedAt ??= this.now();
    this.series.addExit(exit.exitedAt, exit.duration, exit.kind !== 'ok');
    this.exits.push(record);
    if (this.exits.length > MOST_EXITS * 1.5) {
      this.#trimExits();
    }
  }

  #trimExits() {
    this.exits.splice(0, Math.max(0, this.exits.length - MOST_EXITS));
  }

  #remove(event) {
    const record = this.processes.get(event.process_id);
    if (record) {
      this.#count(record, -1);
      record.mark(event);
      record.remove();
      this.#bury(record);
    }
  }

  #bury(record) {
    this.processes.delete(record.id);
    this.#ghosts.set(record.id, record);
    if (this.#ghosts.size > MOST_GHOSTS) {
      this.#ghosts.delete(this.#ghosts.keys().next().value);
    }
  }

  #addSession(session) {
    const known = this.sessions.get(session.session_id);
    if (known) {
      return;
    }
    this.sessions.set(session.session_id, {...session, running: 0, ended: 0, closedBecause: ''});
  }

  #closeSession(id, reason) {
    const session = this.sessions.get(id);
    if (session) {
      session.state = 'SESSION_STATE_CLOSED';
      session.closedBecause = reason;
    }
    const closed = [...this.sessions.values()].filter(
      ({state}) => state === 'SESSION_STATE_CLOSED',
    );
    for (const {session_id: old} of closed.slice(0, -MOST_CLOSED_SESSIONS)) {
      this.sessions.delete(old);
    }
  }

  #note(logId, sequence) {
    const last = this.applied.at(-1);
    if (last?.logId === logId && last.to + 1 === sequence) {
      last.to = sequence;
    } else {
      this.applied.push({logId, from: sequence, to: sequence});
    }
  }
}
