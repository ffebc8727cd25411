// Reads the output of one process into an OutputLog, and goes on after a lost connection. No byte
// comes twice, and each missing byte is told.
import {bytes, parseTime} from '../value/format.js';
import {FrameStream, mayPass} from '../wire/frame_stream.js';

const TAIL_BYTES = 2 * 1024 * 1024;
const RETRY_MS = 2000;
const NAMES = {STREAM_STDOUT: 'stdout', STREAM_STDERR: 'stderr'};

export class OutputStream {
  // 'connecting', 'live', 'reconnecting', 'complete' or 'refused'.
  phase = 'connecting';
  // Why there is no output, if `phase` is 'refused'.
  reason = '';
  #id;
  #log;
  #changed;
  #source = null;
  #timer = null;
  #next = {stdout: null, stderr: null};

  constructor(id, log, changed) {
    this.#id = id;
    this.#log = log;
    this.#changed = changed;
    this.open();
  }

  get over() {
    return this.phase === 'complete' || this.phase === 'refused';
  }

  // Begins, or goes on where close() stopped.
  open() {
    if (this.over || this.#source !== null) {
      return;
    }
    const {stdout, stderr} = this.#next;
    const query =
      stdout === null && stderr === null
        ? `tail_bytes=${TAIL_BYTES}`
        : `stdout_offset=${stdout ?? 0}&stderr_offset=${stderr ?? 0}`;
    this.#source = new FrameStream(
      `/v1/processes/${encodeURIComponent(this.#id)}/output?${query}&follow=true`,
      {
        frame: (name, data) => this.#takeFrame(name, data),
        lost: () => this.#setPhase('reconnecting'),
        refused: (status, message) => this.#takeRefusal(status, message),
      },
    );
  }

  #takeFrame(name, data) {
    if (name === 'error') {
      this.#takeError(data.error);
      return;
    }
    this.#setPhase('live');
    if (name === 'output') {
      this.#takeOutput(data);
    } else if (name === 'gap') {
      this.#takeGap(data);
    } else if (name === 'end') {
      this.#finish('complete');
    }
  }

  // A hidden tab gives up its connection, for the tabs that are in sight.
  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #takeOutput({stream, offset, data, time}) {
    const name = NAMES[stream];
    let chunk = Uint8Array.from(atob(data ?? ''), (character) => character.charCodeAt(0));
    const from = Number(offset ?? 0);
    const size = chunk.length;
    const next = this.#next[name];
    if (next === null && from > 0) {
      this.#log.skip(from, 0);
    } else if (next !== null && from > next) {
      this.#log.note(`${bytes(from - next)} of ${name} are missing`, name, from - next);
    } else if (next !== null && from < next) {
      chunk = chunk.subarray(next - from);
    }
    this.#next[name] = Math.max(next ?? 0, from + size);
    this.#log.write(name, chunk, parseTime(time));
    this.#changed();
  }

  #takeGap({stream, from, to}) {
    const name = NAMES[stream];
    const start = Math.max(Number(from ?? 0), this.#next[name] ?? 0);
    if (Number(to) > start) {
      const size = Number(to) - start;
      if (start === 0) {
        // The line above the output tells of all that is missing at its beginning.
        this.#log.skip(size, size);
      } else {
        this.#log.note(`${bytes(size)} of ${name} were no longer kept`, name, size);
      }
      this.#next[name] = Number(to);
      this.#changed();
    }
  }

  #takeError(error) {
    if (error?.code === 'UNAVAILABLE') {
      this.#setPhase('reconnecting');
      return;
    }
    this.reason = error?.message ?? 'the server refuses it';
    this.#finish('refused');
  }

  #takeRefusal(status, message) {
    if (!mayPass(status)) {
      this.reason = message;
      this.#finish('refused');
      return;
    }
    this.close();
    this.#setPhase('reconnecting');
    this.#timer = setTimeout(() => this.open(), RETRY_MS);
  }

  #finish(phase) {
    this.close();
    this.#setPhase(phase);
  }

  #setPhase(phase) {
    if (phase !== this.phase) {
      this.phase = phase;
      this.#changed();
    }
  }
}
