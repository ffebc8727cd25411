// Saves all output of a process that the server keeps, as the bytes that it wrote.
import {ask} from './ask.js';
import {bytes, shortId} from './format.js';
import {FrameStream} from './frame_stream.js';

const STREAMS = {stdout: 'STREAM_STDOUT', stderr: 'STREAM_STDERR'};
const REVOKE_MS = 60_000;

// `process` is the server's word of it, with totals.
export function askToDownload(process) {
  const totals = process.output ?? [];
  const sum = (field) => totals.reduce((all, total) => all + Number(total[field] ?? 0), 0);
  const dropped = sum('dropped_bytes');
  const size = (name) => {
    const total = totals.find(({stream}) => stream === STREAMS[name]) ?? {};
    return bytes(Number(total.total_bytes ?? 0) - Number(total.dropped_bytes ?? 0));
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
    act: async ({stream}) => {
      const pieces = await readAll(process.process_id, STREAMS[stream] ?? null);
      save(new Blob(pieces, {type: 'text/plain'}), fileName(process, stream));
    },
  });
}

// The pieces of one stream, or of both where `wanted` is null.
function readAll(id, wanted) {
  return new Promise((resolve, reject) => {
    const pieces = [];
    const next = {STREAM_STDOUT: 0, STREAM_STDERR: 0};
    const take = ({stream, offset, data}) => {
      const from = Number(offset ?? 0);
      const piece = Uint8Array.from(atob(data ?? ''), (character) => character.charCodeAt(0));
      // After a lost connection some may come again.
      const fresh = piece.subarray(Math.max(0, next[stream] - from));
      next[stream] = Math.max(next[stream], from + piece.length);
      if (wanted === null || wanted === stream) {
        pieces.push(fresh);
      }
    };
    const url = `/v1/processes/${encodeURIComponent(id)}/output`;
    const source = new FrameStream(`${url}?stdout_offset=0&stderr_offset=0&follow=false`, {
      frame(name, data) {
        if (name === 'output') {
          take(data);
        } else if (name === 'end') {
          source.close();
          resolve(pieces);
        } else if (name === 'error') {
          source.close();
          reject(new Error(data.error?.message ?? 'The server refuses it.'));
        }
      },
      lost() {},
      refused: (status, message) => reject(new Error(message || `HTTP ${status}`)),
    });
  });
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
