// Follows the server's events, and says whether the page shows the server's present state.
//
//   connecting --snapshot--> live --lost, or silent for 12 s--> reconnecting --resumed--> live
//                                                                    |
//                     live <--snapshot-- resynchronising <-- expired, log_changed, future, hole
//
// A stream resumes by itself with Last-Event-ID, until a server refuses. Requests beside it ask for
// the facts that no event tells.
//
// Any hole in the sequence leads to a fresh snapshot. So the page may be late, but is never wrong;
// the pill says which.
import {parseTime, plural} from '../value/format.js';
import {FrameStream} from '../wire/frame_stream.js';
import {login} from '../wire/login.js';

const SILENCE_MS = 12_000;
const RETRY_MS = [500, 1000, 2000, 4000];
const PROBE_EVERY_MS = 1500;
// No event tells of trouble with the event log.
const SERVER_EVERY_MS = 15_000;
const RESYNCHRONISE_EVERY_MS = 1000;
const ERRORS = ['expired', 'log_changed', 'future'];

export class Connection {
  // 'connecting', 'live', 'reconnecting', 'signed_out' or 'refused'.
  phase = 'connecting';
  // Whether the server said that it shuts down.
  ended = false;
  // Missed events, or a restart of the server, as {kind, text}. Null if there is nothing to say.
  notice = null;
  // Why the last request failed, as far as the server said so.
  reason = '';

  #store;
  #changed;
  #source = null;
  #heardAt = performance.now();
  #trueAt = performance.now();
  #openedAt = 0;
  #snapshot = null;
  #resynchronising = null;
  #resynchronisedAt = -Infinity;
  #retries = 0;
  #timer = null;
  #probedAt = -Infinity;
  // The run of the server that was last seen live, or the first one that answered.
  #instance = null;

  // Calls `changed` after each change that is worth drawing.
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  start() {
    this.#open();
    this.#probe();
    setInterval(() => this.#look(), 1000);
  }

  // Milliseconds since the page last showed the server's present state.
  get age() {
    return performance.now() - this.#trueAt;
  }

  dismiss() {
    this.notice = null;
    this.#changed();
  }

  // Tries at once, without waiting for the next turn.
  retry() {
    if (this.phase !== 'live') {
      this.#open();
    }
  }

  // Opens a stream after the last event that was applied, or with a snapshot if there is none.
  #open() {
    this.#close();
    const {position} = this.#store;
    const resumes = position !== null && this.#resynchronising === null;
    const query = resumes ? `after=${position.logId}:${position.sequence}` : 'snapshot=true';
    this.#openedAt = performance.now();
    this.#snapshot = resumes ? null : [];
    this.#source = new FrameStream(`/v1/events?${query}`, {
      opened: () => {
        this.#openedAt = performance.now();
        // A broken snapshot begins anew: it has no id to resume from before its bookmark.
        if (this.#snapshot !== null) {
          this.#snapshot = [];
        }
      },
      frame: (name, data) => this.#takeFrame(name, data),
      lost: () => this.#takeLoss(''),
      refused: (status, message) => this.#takeStreamRefusal(status, message),
    });
  }

  #takeFrame(name, data) {
    if (name === 'error') {
      this.#takeLoss(data.error?.message ?? '');
      return;
    }
    this.#heard();
    if (name === '') {
      this.#takeEvent(data);
    } else if (name === 'snapshot') {
      this.#snapshot?.push(...data.items);
    } else if (name === 'bookmark') {
      this.#takeBookmark(data.position);
    } else if (name === 'heartbeat') {
      this.#store.hearTime(parseTime(data.time));
    } else if (name === 'end') {
      this.#takeEnd();
    } else if (ERRORS.includes(name)) {
      this.#resynchronise(name, data.error);
    }
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #heard() {
    this.#heardAt = performance.now();
    if (this.phase === 'live') {
      this.#trueAt = this.#heardAt;
    }
  }

  #takeEvent(event) {
    const {position} = this.#store;
    if (position === null || this.#snapshot !== null) {
      return;
    }
    this.#live();
    if (this.#store.apply(event) === 'hole') {
      this.#resynchronise('hole', null, event);
      return;
    }
    this.#store.hearTime(parseTime(event.time));
    this.#changed();
  }

  #takeBookmark(at) {
    const position = {logId: at.log_id, sequence: Number(at.sequence ?? 0)};
    if (this.#snapshot !== null) {
      this.#takeSnapshot(position);
      return;
    }
    // The stream has no filter, so a bookmark beyond the last event means that events were lost.
    const known = this.#store.position;
    if (position.logId !== known.logId || position.sequence > known.sequence) {
      this.#resynchronise('hole', null, null);
      return;
    }
    this.#live();
  }

  #takeSnapshot(position) {
    const before = this.#store.position;
    const gap = this.#resynchronising;
    const lost = this.#store.replace(this.#snapshot, position);
    this.#snapshot = null;
    this.#resynchronising = null;
    if (gap !== null) {
      this.#store.thaw();
      this.#store.gaps.push({from: gap.from, to: this.#store.now()});
      this.notice = {kind: 'gap', text: gapText(gap, before, position, lost)};
    }
    this.#live();
  }

  // From here on, the page shows the present.
  #live() {
    this.#retries = 0;
    this.reason = '';
    this.#trueAt = performance.now();
    if (this.phase === 'live') {
      return;
    }
    this.phase = 'live';
    this.ended = false;
    this.#store.thaw();
    this.#probe();
    this.#changed();
  }

  // From here on, the page shows the past.
  #lose(phase) {
    if (this.phase === 'live') {
      this.#store.freeze(this.age);
    }
    this.phase = phase;
  }

  #takeEnd() {
    this.ended = true;
    this.#lose('reconnecting');
    this.#changed();
  }

  // Takes a lost connection, and the server's `event: error`, which says why.
  #takeLoss(reason) {
    this.reason = reason || this.reason;
    if (this.phase === 'live') {
      this.#lose('reconnecting');
    }
    this.#probe();
    this.#changed();
  }

  #takeStreamRefusal(status, message) {
    if (status === 401) {
      this.#takeRefusal('signed_out', '');
      return;
    }
    this.#takeLoss(message);
    this.#openLater();
  }

  #openLater() {
    this.#close();
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => this.#open(), wait);
  }

  // Asks for a fresh snapshot to replace what was missed.
  #resynchronise(kind, error, event = null) {
    this.#lose('reconnecting');
    this.#resynchronising ??= {kind, error, event, from: this.#store.now()};
    this.#close();
    const wait = this.#resynchronisedAt + RESYNCHRONISE_EVERY_MS - performance.now();
    this.#resynchronisedAt = performance.now() + Math.max(0, wait);
    this.#timer = setTimeout(() => this.#open(), Math.max(0, wait));
    this.#changed();
  }

  // Runs once a second. An open socket does not prove that the server is alive, and nor does a
  // stream that retries.
  #look() {
    const silence = performance.now() - this.#heardAt;
    if (this.phase === 'live' && silence > SILENCE_MS) {
      this.#lose('reconnecting');
      this.reason = 'the server is silent';
      this.#open();
    } else if (
      this.phase !== 'live' &&
      this.#source !== null &&
      silence > SILENCE_MS &&
      performance.now() - this.#openedAt > SILENCE_MS
    ) {
      this.#open();
    }
    const every = this.phase === 'live' ? SERVER_EVERY_MS : PROBE_EVERY_MS;
    if (!document.hidden && performance.now() - this.#probedAt >= every) {
      this.#probe();
    }
  }

  // Asks for the facts that no event tells, and for the reason why no event comes.
  async #probe() {
    if (performance.now() - this.#probedAt < PROBE_EVERY_MS && this.phase !== 'live') {
      return;
    }
    this.#probedAt = performance.now();
    try {
      const response = await login.fetch('/v1/server', {signal: AbortSignal.timeout(5000)});
      this.#store.setTime(Date.parse(response.headers.get('Date') ?? ''));
      if (response.status === 401) {
        this.#takeRefusal('signed_out', '');
      } else if (response.ok) {
        this.#takeServer(await response.json());
      } else {
        const {error} = await response.json();
        this.#takeRefusal(response.status === 403 ? 'refused' : this.phase, error?.message ?? '');
      }
    } catch {
      // The phase says already that there is no answer.
    }
  }

  #takeServer(info) {
    const known = this.#instance;
    if (known === null || this.phase === 'live') {
      if (known !== null && known !== info.instance_id && this.notice === null) {
        this.notice = {kind: 'restarted', text: 'The server was restarted. No event was missed.'};
      }
      this.#instance = info.instance_id;
    }
    this.#store.setServer(info);
    if (this.phase === 'signed_out' || this.phase === 'refused') {
      this.phase = 'connecting';
      this.#open();
    }
    this.#changed();
  }

  #takeRefusal(phase, reason) {
    this.reason = reason;
    if (phase !== this.phase) {
      this.#lose(phase);
      if (phase === 'signed_out') {
        this.#close();
      }
    }
    this.#changed();
  }
}

function gapText({kind, error, event}, before, after, lost) {
  const metadata = error?.metadata ?? {};
  const parts = [];
  if (kind === 'log_changed' || before.logId !== after.logId) {
    parts.push(
      'The server has a new event log. What happened after the last event seen ' +
        `(${before.sequence}) is not known.`,
    );
  } else if (kind === 'future') {
    parts.push(
      `The server's event log ends at ${metadata.last ?? after.sequence}, before event ` +
        `${before.sequence}, which this page has seen: its end was lost.`,
    );
  } else if (kind === 'expired') {
    parts.push(
      `Events ${before.sequence + 1} to ${after.sequence} ` +
        `(${plural(after.sequence - before.sequence, 'event')}) were missed; the server keeps them ` +
        `from ${metadata.first ?? 'a later one'} on.`,
    );
  } else {
    const next = event ? `, then came ${event.sequence}` : '';
    parts.push(
      `The events after ${before.sequence} did not arrive${next}; ` +
        `${plural(after.sequence - before.sequence, 'event')} missed.`,
    );
  }
  if (lost.length > 0) {
    parts.push(
      `${plural(lost.length, 'process', 'processes')} that ran before ` +
        `${lost.length === 1 ? 'is' : 'are'} no longer listed.`,
    );
  }
  return parts.join(' ');
}
