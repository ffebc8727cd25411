// Server-Sent Events by fetch, because EventSource can send no header. It does the same: it tries
// again by itself, after the last id that it got, for as long as it gets to talk to a server.

import {login} from './login.js';

const RETRY_MS = 1000;

// Whether a refusal with this status may be none later: what is wrong stays wrong, but who is signed
// out, or meets a busy server, may ask again.
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

  // Tells `told`, never before this returns, and nothing after close():
  // - opened(): the server begins to answer;
  // - frame(name, data): one frame; its name is '' for most, its data already parsed;
  // - lost(): the connection ended, or could not be had; it is tried again;
  // - refused(status, message): the server refuses it; nothing comes any more.
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
      // Both ends of it come to the same.
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
      // Somebody between us and the server, who has no words for us.
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
      // The blank line that ends a frame may be cut in two.
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
        // A fault of whoever takes it is none of the connection.
        reportError(error);
      }
    }
  }
}
