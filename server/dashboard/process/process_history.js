// The events about one process that the server still keeps, such as signals from before this page
// was opened. The stream is closed once it has told the past: the page's main stream tells the
// rest, and a browser has only six connections to a server.
import {FrameStream} from '../wire/frame_stream.js';

const TYPES = ['PROCESS_SIGNALLED', 'PROCESS_OOM', 'PROCESS_REMOVED'];
const LONGEST_MS = 10_000;

export class ProcessHistory {
  #id;
  #take;
  #source = null;
  #timer;

  // Calls `take` with each event, in order. Calls `cut` with the first sequence that is still kept,
  // if older ones are gone.
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
          // A heartbeat comes when the past is told. All other frames are an end.
          this.close();
        }
      },
      lost: () => this.close(),
      refused: () => this.close(),
    });
  }
}
