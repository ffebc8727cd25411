// What the page knows of one process. States only go forward, because a snapshot may be newer than
// its bookmark: the events that follow then repeat what the snapshot said.
import {readExit} from '../value/exit_status.js';
import {commandOf, enumName, parseTime} from '../value/format.js';

export const RUNNING = 1;
export const EXITED = 2;
export const DRAINED = 3;
export const REMOVED = 4;

const STATES = {RUNNING, EXITED, DRAINED};
const MOST_MARKS = 200;

export class ProcessRecord {
  sessionId = '';
  command = '';
  labels = [];
  pid = 0;
  watcher = '';
  state = RUNNING;
  started = null;
  exit = null;
  drained = null;
  // Whether the charts have its start and its exit. Only the store sets these.
  startCounted = false;
  exitCounted = false;
  // Events worth a place in the timeline, by sequence.
  marks = new Map();
  // Grows with each change, so that a row knows whether it is up to date.
  version = 0;
  #text = null;

  constructor(id) {
    this.id = id;
  }

  // Takes over the fields of a proctor.v1.Process.
  merge(process) {
    this.sessionId = process.session_id ?? this.sessionId;
    if (process.spec) {
      this.command = commandOf(process);
      this.setLabels(process.spec.labels);
    }
    this.pid = process.pid || this.pid;
    this.watcher = process.watcher || this.watcher;
    this.started ??= parseTime(process.started_at);
    this.drained ??= process.drained ?? null;
    this.advance(STATES[enumName(process.state, 'PROCESS_STATE_')] ?? RUNNING);
    if (process.exit_status) {
      this.setExit(process.exit_status);
    }
    this.#changed();
  }

  setLabels(labels) {
    this.labels = Object.entries(labels ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
    this.#changed();
  }

  // The first exit status counts; later ones are ignored.
  setExit(status) {
    this.exit ??= readExit(status);
    this.started ??= this.exit.startedAt;
    this.advance(EXITED);
  }

  setDrained(drained) {
    this.drained ??= drained;
    this.advance(DRAINED);
  }

  remove() {
    this.advance(REMOVED);
  }

  mark(event) {
    if (this.marks.size < MOST_MARKS) {
      this.marks.set(Number(event.sequence), event);
      this.#changed();
    }
  }

  advance(state) {
    this.state = Math.max(this.state, state);
    this.#changed();
  }

  runTime(now) {
    return this.exit ? this.exit.duration : this.started === null ? null : now - this.started;
  }

  // The text that a search looks at. It is made when first needed.
  get text() {
    this.#text ??= [
      this.command,
      this.id,
      this.sessionId,
      this.watcher,
      ...this.labels.map(([key, value]) => `${key}=${value}`),
    ]
      .join('\n')
      .toLowerCase();
    return this.#text;
  }

  #changed() {
    this.version++;
    this.#text = null;
  }
}
