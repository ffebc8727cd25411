// What is typed into a terminal, on its way to the stdin of a process: one write at a time, with
// what is typed meanwhile in the next, and each with its place in stdin, so that one that is sent
// twice arrives once.
//
// The server skips of a write what stdin has taken beyond its place. Others write to stdin, too, so
// each write asks for its place just before, and keeps it only for its own retries: with the place
// where the last write ended, it would lose as many bytes as others wrote since.
import {call, CallError, readProcess} from '../wire/call.js';

const MOST_BYTES = 64 * 1024;
const RETRY_MS = 1000;
// What a later try may mend.
const PASSING = new Set([0, 429, 503, 504]);
// After these the server may still be at it: the write waits for a process that does not read.
const UNCERTAIN = new Set([0, 504]);

export class TerminalInput {
  // Why nothing arrives, in words; empty where all does.
  trouble = '';
  // Whether another writer has stdin, from whom it can be taken.
  busy = false;
  #id;
  #changed;
  #encoder = new TextEncoder();
  #pieces = [];
  #sending = false;
  #closed = false;
  #force = false;
  #wake = null;

  // Tells `changed` of trouble, and of its end.
  constructor(id, changed) {
    this.#id = id;
    this.#changed = changed;
  }

  close() {
    this.#closed = true;
    this.#wake?.();
  }

  type(text) {
    this.#pieces.push(this.#encoder.encode(text));
    if (!this.#sending && !this.busy) {
      this.#send();
    }
  }

  // Takes stdin from another writer, and sends what waits.
  takeOver() {
    this.busy = false;
    this.#force = true;
    this.#tell('');
    this.#send();
  }

  async #send() {
    this.#sending = true;
    try {
      while (this.#pieces.length > 0 && !this.#closed) {
        const data = this.#next();
        await this.#write(data);
      }
    } catch (error) {
      this.busy = error.reason === 'STDIN_BUSY';
      if (!this.busy) {
        // What was typed to somebody who takes nothing is not for whoever comes next.
        this.#pieces = [];
      }
      this.#tell(error.message);
    } finally {
      this.#sending = false;
    }
  }

  // All that waits, as far as one request takes it.
  #next() {
    const all = new Uint8Array(this.#pieces.reduce((sum, {length}) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#pieces = all.length > MOST_BYTES ? [all.subarray(MOST_BYTES)] : [];
    return all.subarray(0, MOST_BYTES);
  }

  // Writes it, however often it takes; throws where it never will.
  async #write(data) {
    let offset = null;
    // Whether an earlier try of it may hold stdin, as another writer does.
    let ours = false;
    while (!this.#closed) {
      let written = false;
      try {
        offset ??= Number((await readProcess(this.#id)).stdin_bytes ?? 0);
        const body = {data: base64(data), offset: String(offset)};
        written = true;
        await call(this.#id, 'write', this.#force || ours ? {...body, force: true} : body);
        this.#force = false;
        this.#tell('');
        return;
      } catch (error) {
        if (!(error instanceof CallError) || !PASSING.has(error.status)) {
          this.#pieces.unshift(data);
          throw error;
        }
        ours ||= written && UNCERTAIN.has(error.status);
        this.#tell(error.message);
        await this.#pause();
      }
    }
  }

  // Until a retry is due, and somebody sees the page.
  #pause() {
    return new Promise((resolve) => {
      const look = () => {
        if (!document.hidden || this.#closed) {
          document.removeEventListener('visibilitychange', look);
          resolve();
        }
      };
      this.#wake = look;
      setTimeout(() => {
        document.addEventListener('visibilitychange', look);
        look();
      }, RETRY_MS);
    });
  }

  #tell(trouble) {
    if (trouble !== this.trouble) {
      this.trouble = trouble;
      this.#changed();
    }
  }
}

function base64(data) {
  let text = '';
  // Not all at once: a function takes only so many arguments.
  for (let from = 0; from < data.length; from += 8192) {
    text += String.fromCharCode(...data.subarray(from, from + 8192));
  }
  return btoa(text);
}
