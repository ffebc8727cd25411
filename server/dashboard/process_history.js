// The events about one process that the server still keeps: who signalled it, before this
// page was there to see. The stream is closed once it has told the past, because the
// page's own stream tells the rest, and a browser has six connections for a server.

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
    this.#source = new EventSource(`/v1/events?${query}`);
    this.#source.onmessage = ({data}) => this.#take(JSON.parse(data));
    // Silence means that the past is told.
    this.#source.addEventListener('heartbeat', () => this.close());
    this.#source.addEventListener('expired', ({data}) => {
      const first = Number(JSON.parse(data).error?.metadata?.first ?? 0);
      if (first - 1 > after) {
        cut(first);
        this.#open(logId, first - 1, cut);
      } else {
        this.close();
      }
    });
    for (const name of ['log_changed', 'future', 'end']) {
      this.#source.addEventListener(name, () => this.close());
    }
    this.#source.onerror = () => this.close();
  }
}
