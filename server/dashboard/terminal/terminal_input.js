// Sends what is typed into a terminal to the stdin of a process. It makes one write at a time; the
// next one takes all that is typed meanwhile. Each write names its place in stdin, so a write that
// is sent twice arrives once: a browser may send a POST twice.
//
// The server skips the bytes of a write that stdin has taken already, by that place. Other clients
// write to stdin, too. So each write asks for its place just before, and keeps it for its own
// retries only. The place where the last write ended would be wrong: the server would skip as many
// bytes as others wrote since.
import {call, CallError, readProcess} from '../wire/call.js';

const MOST_BYTES = 64 * 1024;
const RETRY_MS = 1000;
// The statuses that a later try may mend.
const PASSING = new Set([0, 429, 503, 504]);
// After these, the write may still wait in the server, for a process that does not read.
const UNCERTAIN = new Set([0, 504]);

export class TerminalInput {
  // Why nothing arrives, in words. Empty if all is well.
  trouble = '';
  // Whether another writer holds stdin. takeOver() takes it.
  busy = false;
  #id;
  #changed;
  #encoder = new TextEncoder();
  #pieces = [];
  #sending = false;
  #closed = false;
  #force = false;
  #wake = null;

  // Calls `changed` when trouble begins and when it ends.
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
        // The process took nothing. What was typed for it is dropped, because a later process must
        // not get it.
        this.#pieces = [];
      }
      this.#tell(error.message);
    } finally {
      this.#sending = false;
    }
  }

  // Takes all that waits, up to the size of one request.
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

  // Writes `data`, with as many tries as that takes. Throws if no try can succeed.
  async #write(data) {
    let offset = null;
    // Whether an earlier try of this write may still hold stdin.
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

  // Resolves when a retry is due and the page is in sight.
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
  // In pieces, because a call takes only so many arguments.
  for (let from = 0; from < data.length; from += 8192) {
    text += String.fromCharCode(...data.subarray(from, from + 8192));
  }
  return btoa(text);
}
