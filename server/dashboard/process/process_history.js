// The events about one process that the server still keeps: who signalled it, before this
// page was there to see. The stream is closed once it has told the past, because the
// page's own stream tells the rest, and a browser has six connections for a server.
import {FrameStream} from '../wire/frame_stream.js';

const TYPES = ['PROCESS_SIGNALLED', 'PROCESS_OOM', 'PROCESS_REMOVED'];
const LONGEST_MS = 10_000;

export class ProcessHistory {
  #id;
  #take;
  #source = null;
  #timer;

  // Gives `take` each event, in order, and `cut` the first sequence that is still kept,
  // where older ones are not.
  constructor(id, logId, take, cut) {
    this.#id = id;
    this.#take = take;
    this.#timer = setTimeout(() => this.close(), LONGEST_MS);
    this.#open(logId, 0, cut);
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open(logId, after, cut) {
    this.#source?.close();
    const query = new URLSearchParams({after: `${logId}:${after}`, process_id: this.#id});
    TYPES.forEach((type) => query.append('type', type));
    this.#source = new FrameStream(`/v1/events?${query}`, {
      frame: (name, data) => {
        if (name === '') {
          this.#take(data);
        } else if (name === 'expired') {
          const first = Number(data.error?.metadata?.first ?? 0);
          if (first - 1 > after) {
            cut(first);
            this.#open(logId, first - 1, cut);
          } else {
            this.close();
          }
        } else if (name !== 'bookmark') {
          // A heartbeat: silence means that the past is told. All else is an end.
          this.close();
        }
      },
      lost: () => this.close(),
      refused: () => this.close(),
    });
  }
}
