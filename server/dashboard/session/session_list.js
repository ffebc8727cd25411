// The list of sessions, open ones first. Each has its running processes and the rest of its lease.
import {element, setClass, setText, setTitle} from '../element/element.js';
import {fillChips} from '../element/label_chips.js';
import {ListPanel} from '../element/list_panel.js';
import {count, duration, parseTime, shortId} from '../value/format.js';

const OPEN = 'SESSION_STATE_OPEN';
const LATE_MS = 10_000;

export class SessionList {
  #store;
  #panel;

  constructor(panel, store, schedule) {
    this.#store = store;
    this.#panel = new ListPanel(
      panel,
      {
        prefix: 'session',
        path: 'sessions',
        create: createRow,
        fill: (row, item) => this.#fillRow(row, item),
      },
      schedule,
    );
  }

  get list() {
    return this.#panel.list;
  }

  render(ticked) {
    this.#panel.render(this.#store.version, ticked, () => this.#choose());
  }

  #choose() {
    const rank = ({session}) => (session.state === OPEN ? 0 : 1);
    const items = [...this.#store.sessions.values()].map((session) => ({
      id: session.session_id,
      version: this.#store.version,
      session,
    }));
    items.sort(
      (one, other) =>
        rank(one) - rank(other) ||
        Number(other.session.is_default ?? false) - Number(one.session.is_default ?? false) ||
        other.session.running - one.session.running ||
        (parseTime(other.session.created_at) ?? 0) - (parseTime(one.session.created_at) ?? 0),
    );
    const open = items.filter(({session}) => session.state === OPEN).length;
    return {items, count: `${count(open)} open`};
  }

  #fillRow(row, {session}) {
    const {id, name, setup, running, ended, lease, chips} = row.parts;
    const open = session.state === OPEN;
    row.classList.toggle('closed', !open);
    setText(id, shortId(session.session_id));
    setTitle(id, session.session_id);
    id.href = `#/sessions/${session.session_id}`;
    setText(name, session.is_default ? 'default' : '');
    setText(setup, `${session.policy} · ${session.watcher}`);
    setText(running, count(session.running));
    setText(ended, count(session.ended));
    this.#fillLease(lease, session);
    fillChips(chips, Object.entries(session.labels ?? {}));
  }

  #fillLease(lease, session) {
    const expires = parseTime(session.lease_expires_at);
    let text = '';
    let late = false;
    if (session.state !== OPEN) {
      const reason = session.closedBecause || session.state.replace('SESSION_STATE_', '');
      text =
        reason === 'CLOSED' || reason === 'CLOSING'
          ? reason.toLowerCase()
          : `closed: ${reason.toLowerCase().replaceAll('_', ' ')}`;
    } else if (expires !== null) {
      const left = expires - this.#store.now();
      late = left < LATE_MS;
      text =
        left > 0
          ? `lease ${duration(Math.ceil(left / 1000) * 1000).replace(/\.\d+ s/, ' s')}`
          : 'lease ran out';
    }
    setText(lease, text);
    setClass(lease, late ? 'lease late' : 'lease');
  }
}

function createRow() {
  const parts = {
    id: element('a', {class: 'mono id', tabindex: '-1'}),
    name: element('span', {class: 'default'}),
    setup: element('span', {class: 'setup'}),
    running: element('b'),
    ended: element('b'),
    lease: element('span', {class: 'lease'}),
    chips: element('span', {class: 'chips'}),
  };
  const row = element(
    'div',
    {role: 'row', class: 'row session'},
    element(
      'span',
      {role: 'gridcell', class: 'line'},
      parts.id,
      parts.name,
      parts.chips,
      parts.lease,
    ),
    element(
      'span',
      {role: 'gridcell', class: 'line'},
      parts.setup,
      element('span', {class: 'counts'}, parts.running, ' running ', parts.ended, ' ended'),
    ),
  );
  row.parts = parts;
  return row;
}
