// Server-Sent Events by fetch, because EventSource can send no header. As EventSource does, it
// connects again by itself, after the last id that it got, until a server refuses.

import {login} from './login.js';

const RETRY_MS = 1000;

// Returns whether a later request may succeed after this status. A bad request stays bad, but a
// browser may sign in, and a busy server may have time.
export function mayPass(status) {
  return !(status >= 400 && status < 500) || status === 401 || status === 429;
}

export class FrameStream {
  #url;
  #told;
  #abort = null;
  #timer = null;
  #lastId = '';
  #retryMs = RETRY_MS;
  #closed = false;

  // Calls `told`, but not before the constructor returns, and not after close():
  // - opened(): the server begins to answer.
  // - frame(name, data): one frame. Most names are ''. The data is parsed.
  // - lost(): the connection ended or failed. The stream tries again.
  // - refused(status, message): the server refused. This is the last call.
  constructor(url, told) {
    this.#url = url;
    this.#told = told;
    this.#connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #connect() {
    this.#abort = new AbortController();
    const {signal} = this.#abort;
    const headers = {Accept: 'text/event-stream'};
    if (this.#lastId !== '') {
      headers['Last-Event-ID'] = this.#lastId;
    }
    try {
      const response = await login.fetch(this.#url, {headers, signal, cache: 'no-store'});
      if (!response.ok) {
        await this.#refuse(response);
        return;
      }
      if (!this.#closed) {
        this.#told.opened?.();
        await this.#read(response.body.pipeThrough(new TextDecoderStream()).getReader());
      }
    } catch {
      // A broken connection and an ended one are treated alike.
    }
    if (!this.#closed) {
      this.#timer = setTimeout(() => this.#connect(), this.#retryMs);
      this.#told.lost();
    }
  }

  async #refuse(response) {
    let message = '';
    try {
      message = (await response.json()).error?.message ?? '';
    } catch {
      // The answer is of something between us and the server, such as a proxy.
    }
    if (!this.#closed) {
      this.#closed = true;
      this.#told.refused(response.status, message);
    }
  }

  async #read(reader) {
    let text = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) {
        return;
      }
      // The blank line that ends a frame may come in two pieces.
      let from = Math.max(0, text.length - 1);
      text += value;
      let start = 0;
      for (let end; (end = text.indexOf('\n\n', from)) >= 0; from = start) {
        this.#take(text.slice(start, end));
        start = end + 2;
        if (this.#closed) {
          return;
        }
      }
      text = text.slice(start);
    }
  }

  #take(frame) {
    let name = '';
    const data = [];
    for (const line of frame.split('\n')) {
      const colon = line.indexOf(': ');
      const field = line.slice(0, colon);
      const value = line.slice(colon + 2);
      if (field === 'event') {
        name = value;
      } else if (field === 'data') {
        data.push(value);
      } else if (field === 'id') {
        this.#lastId = value;
      } else if (field === 'retry') {
        this.#retryMs = Number(value);
      }
    }
    if (data.length > 0) {
      try {
        this.#told.frame(name, JSON.parse(data.join('\n')));
      } catch (error) {
        // A fault of the receiver is no fault of the connection.
        reportError(error);
      }
    }
  }
}
