// Saves all output of a process that the server keeps, as the bytes that it wrote.
import {ask} from '../element/ask.js';
import {bytes, shortId} from '../value/format.js';
import {FrameStream, mayPass} from '../wire/frame_stream.js';

const STREAMS = {stdout: 'STREAM_STDOUT', stderr: 'STREAM_STDERR'};
const REVOKE_MS = 60_000;
const RETRY_MS = 2000;

// `process` is the server's last answer, with the totals of its output.
export function askToDownload(process) {
  const totals = process.output ?? [];
  const sum = (field) => totals.reduce((all, total) => all + Number(total[field] ?? 0), 0);
  const dropped = sum('dropped_bytes');
  const find = (name) => totals.find(({stream}) => stream === STREAMS[name]) ?? {};
  const size = (name) => {
    const {total_bytes: total, dropped_bytes: gone} = find(name);
    return bytes(Number(total ?? 0) - Number(gone ?? 0));
  };
  ask({
    title: 'Download output',
    text:
      `The server keeps ${bytes(sum('total_bytes') - dropped)} of it.` +
      (dropped > 0 ? ` The ${bytes(dropped)} before that it has dropped.` : ''),
    fields: [
      {
        name: 'stream',
        label: 'Of',
        options: [
          ['both', 'stdout and stderr, as they came'],
          ['stdout', `stdout alone (${size('stdout')})`],
          ['stderr', `stderr alone (${size('stderr')})`],
        ],
      },
    ],
    action: 'Download',
    busy: 'Reading…',
    act: async ({stream}, {signal, tell}) => {
      const reading = new Reading(process.process_id, STREAMS[stream] ?? null, signal, tell);
      const {pieces, missing} = await reading.done;
      save(new Blob(pieces, {type: 'text/plain'}), fileName(process, stream));
      const told = stream === 'both' ? dropped : Number(find(stream).dropped_bytes ?? 0);
      return missing > told
        ? `It is saved, but ${bytes(missing)} are missing in it: the server does not keep them any more.`
        : undefined;
    },
  });
}

// Reads one stream, or both if `wanted` is null. It goes on after a lost connection.
class Reading {
  // Resolves with {pieces, missing}: the data, and the number of bytes that the server no longer
  // has.
  done;
  #id;
  #wanted;
  #tell;
  #resolve;
  #reject;
  #source = null;
  #timer = null;
  #pieces = [];
  #missing = 0;
  #next = {STREAM_STDOUT: 0, STREAM_STDERR: 0};

  // Ends when `signal` is aborted. Calls `tell` with words while it waits.
  constructor(id, wanted, signal, tell) {
    this.#id = id;
    this.#wanted = wanted;
    this.#tell = tell;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', () => this.#end(() => this.#reject(signal.reason)));
    this.#open();
  }

  #open() {
    const {STREAM_STDOUT: stdout, STREAM_STDERR: stderr} = this.#next;
    const from = `stdout_offset=${stdout}&stderr_offset=${stderr}`;
    const url = `/v1/processes/${encodeURIComponent(this.#id)}/output?${from}&follow=false`;
    this.#source = new FrameStream(url, {
      opened: () => this.#tell(''),
      frame: (name, data) => this.#takeFrame(name, data),
      lost: () => this.#tell('The connection was lost; trying again…'),
      refused: (status, message) => this.#takeRefusal(status, message || `HTTP ${status}`),
    });
  }

  #takeFrame(name, data) {
    if (name === 'output') {
      this.#takeOutput(data);
    } else if (name === 'gap') {
      this.#skipTo(data.stream, Number(data.to));
    } else if (name === 'end') {
      this.#end(() => this.#resolve({pieces: this.#pieces, missing: this.#missing}));
    } else if (name === 'error' && data.error?.code !== 'UNAVAILABLE') {
      const message = data.error?.message ?? 'The server refuses it.';
      this.#end(() => this.#reject(new Error(message)));
    }
  }

  #takeOutput({stream, offset, data}) {
    const from = Number(offset ?? 0);
    const piece = Uint8Array.from(atob(data ?? ''), (character) => character.charCodeAt(0));
    this.#skipTo(stream, from);
    // After a lost connection, some bytes may come again.
    const fresh = piece.subarray(this.#next[stream] - from);
    this.#next[stream] += fresh.length;
    if (this.#wants(stream)) {
      this.#pieces.push(fresh);
    }
  }

  #skipTo(stream, to) {
    const size = to - this.#next[stream];
    if (size > 0) {
      this.#next[stream] = to;
      this.#missing += this.#wants(stream) ? size : 0;
    }
  }

  #wants(stream) {
    return this.#wanted === null || this.#wanted === stream;
  }

  #takeRefusal(status, message) {
    if (mayPass(status)) {
      this.#tell(`${message}; trying again…`);
      this.#timer = setTimeout(() => this.#open(), RETRY_MS);
    } else {
      this.#end(() => this.#reject(new Error(message)));
    }
  }

  #end(tell) {
    clearTimeout(this.#timer);
    this.#source.close();
    tell();
  }
}

function fileName({process_id: id, spec}, stream) {
  const program = (spec?.argv?.[0] ?? 'process')
    .split('/')
    .at(-1)
    .replace(/[^\w.+-]/g, '_');
  return `${program}-${shortId(id)}${stream === 'both' ? '' : `-${stream}`}.log`;
}

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
}
