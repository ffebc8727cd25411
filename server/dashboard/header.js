// The header and the tiles: the server, its rates, and whether the page shows its present state.
import {setText, setTitle} from './element/element.js';
import {age, count, duration, parseTime, plural, rate} from './value/format.js';
import {login} from './wire/login.js';

const RATE_SECONDS = 10;
const FAILURE_SECONDS = 300;

export class Header {
  #store;
  #connection;
  #announced = '';

  constructor(store, connection) {
    this.#store = store;
    this.#connection = connection;
    const notice = document.getElementById('notice');
    notice.querySelector('button').addEventListener('click', () => connection.dismiss());
  }

  render() {
    this.#showServer();
    this.#showConnection();
    this.#showTiles();
  }

  // A hidden tab has a title, too.
  showTitle() {
    const {server, running} = this.#store;
    const host = server?.hostname ? ` · ${server.hostname}` : '';
    const title = this.#store.position === null ? `Proctor${host}` : `(${running}) Proctor${host}`;
    document.title = this.#connection.phase === 'live' ? title : `! ${title}`;
  }

  #showServer() {
    const {server} = this.#store;
    if (server === null) {
      return;
    }
    const set = (id, text) => setText(document.getElementById(id), text);
    set('host', server.hostname);
    set('version', server.version);
    set('policy', `${server.policy} · ${server.watcher}`);
    set('kernel', server.kernel);
    set(
      'uptime',
      duration(
        Math.floor((this.#store.now() - parseTime(server.started_at)) / 1000) * 1000,
      ).replace(/\.\d+ s/, ' s'),
    );
  }

  #showConnection() {
    const {notice} = this.#connection;
    const [state, text] = this.#describe();
    const pill = document.getElementById('pill');
    pill.dataset.state = state;
    setTitle(pill, this.#connection.reason);
    setText(pill.querySelector('span'), text);
    document.body.classList.toggle('stale', this.#connection.phase !== 'live');
    // The age changes each second. A screen reader hears only a new state.
    if (state !== this.#announced) {
      this.#announced = state;
      setText(document.getElementById('announcer'), text);
    }
    this.#showNotice(notice);
    const dialog = document.getElementById('signed-out');
    const out = this.#connection.phase === 'signed_out';
    setText(dialog.querySelector('.refusal'), login.refusal);
    document.getElementById('sign-out').hidden = out;
    if (out !== dialog.open) {
      if (out) {
        dialog.showModal();
      } else {
        dialog.close();
      }
    }
  }

  // The trouble of the event log stays until the server says that it is over.
  #showNotice(notice) {
    const bar = document.getElementById('notice');
    const trouble = this.#store.server?.event_log?.trouble ?? '';
    bar.hidden = notice === null && trouble === '';
    bar.dataset.kind = trouble ? 'trouble' : (notice?.kind ?? '');
    bar.querySelector('button').hidden = notice === null;
    const gap = notice?.kind === 'gap' ? 'Resynchronised after a gap. ' : '';
    setText(
      bar.querySelector('span'),
      [trouble && `The event log: ${trouble}.`, notice && `${gap}${notice.text}`]
        .filter(Boolean)
        .join(' '),
    );
  }

  #describe() {
    const {phase, ended, reason, notice} = this.#connection;
    const old = this.#store.position === null ? '' : ` · data ${age(this.#connection.age)} old`;
    switch (phase) {
      case 'live':
        if (this.#store.draining) {
          return ['draining', 'live · server draining'];
        }
        return notice?.kind === 'gap'
          ? ['resynchronised', 'resynchronised after a gap']
          : ['live', 'live'];
      case 'reconnecting':
        return ended ? ['ended', `server ended${old}`] : ['reconnecting', `reconnecting${old}`];
      case 'signed_out':
        return ['signed_out', 'signed out'];
      case 'refused':
        return ['refused', reason || 'refused'];
      default:
        return ['connecting', 'connecting'];
    }
  }

  #showTiles() {
    if (this.#store.position === null) {
      return;
    }
    const now = this.#store.now();
    const recent = this.#store.series.totals(now, RATE_SECONDS);
    const lately = this.#store.series.totals(now, FAILURE_SECONDS);
    const open = [...this.#store.sessions.values()].filter(
      ({state}) => state === 'SESSION_STATE_OPEN',
    );
    const set = (name, text) => setText(document.querySelector(`[data-tile=${name}]`), text);
    const sub = (name, text) => setText(document.querySelector(`[data-sub=${name}]`), text);
    set('running', count(this.#store.running));
    sub('running', `of ${plural(this.#store.processes.size, 'process', 'processes')}`);
    set('starts', rate(recent.starts / RATE_SECONDS));
    set('exits', rate(recent.exits / RATE_SECONDS));
    set('failures', count(lately.failures));
    const share =
      lately.exits === 0 ? '' : ` · ${((100 * lately.failures) / lately.exits).toFixed(1)} %`;
    sub('failures', `last 5 min${share}`);
    document.querySelector('[data-tile=failures]').classList.toggle('bad', lately.failures > 0);
    set('sessions', count(open.length));
  }
}
