// The page of one session: its facts, its quotas and its processes.
import {copyButton} from '../element/copy.js';
import {element, setClass, setText} from '../element/element.js';
import {fillChips} from '../element/label_chips.js';
import {Pace} from '../element/pace.js';
import {fillRows} from '../element/rows_list.js';
import {VirtualList} from '../element/virtual_list.js';
import {RUNNING} from '../live/process_record.js';
import {percentWords} from '../live/usage.js';
import {exitWord} from '../value/exit_status.js';
import {
  age,
  bytes,
  count,
  dateTime,
  duration,
  enumName,
  parseDuration,
  parseTime,
  shortId,
} from '../value/format.js';
import {login} from '../wire/login.js';

const OPEN = 'SESSION_STATE_OPEN';
const REREAD_MS = 5000;

const words = (value, prefix) => enumName(value, prefix).toLowerCase().replaceAll('_', ' ');

export class SessionPage {
  #id;
  #panel;
  #store;
  #usage;
  #schedule;
  #list;
  #pace;
  // The server's last answer, and why it refused.
  #read = null;
  #missing = '';
  #readAt = -Infinity;

  constructor(id, panel, {store, usage}, schedule) {
    this.#id = id;
    this.#panel = panel;
    this.#store = store;
    this.#usage = usage;
    this.#schedule = schedule;
    this.#pace = new Pace(schedule);
    panel.replaceChildren(...skeleton(id));
    this.#list = new VirtualList(
      panel.querySelector('.scroller'),
      {
        prefix: 'session-process',
        create: createRow,
        fill: (row, record) => this.#fillRow(row, record),
        open: ({id: process}) => {
          location.hash = `#/processes/${process}`;
        },
      },
      schedule,
    );
    this.#list.measure();
  }

  close() {
    this.#panel.replaceChildren();
  }

  setVisible() {}

  usageQuery() {
    return this.#list.items.some(({state}) => state === RUNNING)
      ? [['session_id', this.#id]]
      : null;
  }

  get keys() {
    return {
      j: () => this.#list.move(1),
      ArrowDown: () => this.#list.move(1),
      k: () => this.#list.move(-1),
      ArrowUp: () => this.#list.move(-1),
      Enter: () => this.#list.openSelected(),
    };
  }

  render(ticked) {
    if (ticked) {
      this.#reread();
    }
    const session = this.#store.sessions.get(this.#id) ?? this.#read;
    this.#showHead(session);
    this.#showFacts(session);
    if (this.#pace.due(this.#store.version)) {
      this.#choose();
    }
    if (ticked) {
      this.#list.refill();
    }
    this.#list.render();
  }

  // No event tells of renewed leases and of quotas.
  async #reread() {
    const known = this.#store.sessions.get(this.#id);
    const now = performance.now();
    if (
      document.hidden ||
      now - this.#readAt < REREAD_MS ||
      (this.#read && known?.state !== OPEN)
    ) {
      return;
    }
    this.#readAt = now;
    try {
      const response = await login.fetch(`/v1/sessions/${encodeURIComponent(this.#id)}`);
      const body = await response.json();
      if (response.ok) {
        this.#read = body.session;
        this.#missing = '';
        this.#store.refreshSessions([body.session]);
      } else if (response.status === 404) {
        this.#missing = body.error?.message ?? '';
      }
      this.#schedule();
    } catch {
      // The header says that the connection is lost. The next turn asks again.
    }
  }

  #find(name) {
    return this.#panel.querySelector(name);
  }

  #showHead(session) {
    const forgotten = !session && this.#missing !== '';
    this.#find('.forgotten').hidden = !forgotten;
    this.#find('.members').hidden = forgotten;
    this.#find('.side').hidden = forgotten;
    const open = session?.state === OPEN;
    const badge = this.#find('.badge');
    setClass(badge, `badge ${open ? 'running' : ''}`);
    setText(badge, !session ? 'not known' : open ? 'open' : words(session.state, 'SESSION_STATE_'));
    let sentence = this.#missing || 'Asking the server…';
    if (session) {
      sentence = [
        session.is_default ? 'The default session, for whoever names none.' : '',
        leaseWords(session, this.#store.now()),
        session.closedBecause ? `Closed: ${words(session.closedBecause, '')}.` : '',
      ]
        .filter(Boolean)
        .join(' ');
    }
    setText(this.#find('.sentence'), sentence);
    fillChips(this.#find('.chips'), Object.entries(session?.labels ?? {}));
  }

  #showFacts(session) {
    if (!session) {
      return;
    }
    const quota = session.quota ?? this.#read?.quota ?? {};
    const created = parseTime(session.created_at);
    const expires = parseTime(session.lease_expires_at);
    const lease = session.lease ? duration(parseDuration(session.lease)) : '';
    const most = Number(quota.max_running_processes ?? 0);
    fillRows(
      this.#find('.facts-list'),
      [
        ['id', session.session_id, {label: 'Copy the id', copy: session.session_id}],
        ['policy', session.policy],
        ['watcher', session.watcher],
        ['loop', session.loop],
        ['opened', created === null ? '' : dateTime(created)],
        ['lease', lease || 'none: it stays open until it is closed'],
        ['runs out', expires === null ? '' : dateTime(expires)],
        [
          'then',
          session.lease
            ? words(session.on_lease_expiry ?? 'LEASE_EXPIRY_KILL', 'LEASE_EXPIRY_')
            : '',
        ],
        [
          'processes',
          most > 0 ? `${count(session.running ?? 0)} of ${count(most)} at one time` : '',
        ],
        [
          'kept output',
          Number(quota.max_output_bytes ?? 0) > 0 ? `at most ${bytes(quota.max_output_bytes)}` : '',
        ],
      ].filter(([, value]) => value),
    );
  }

  #choose() {
    const records = [...this.#store.processes.values()].filter(
      ({sessionId}) => sessionId === this.#id,
    );
    const rank = ({state}) => (state === RUNNING ? 0 : 1);
    records.sort(
      (one, other) => rank(one) - rank(other) || (other.started ?? 0) - (one.started ?? 0),
    );
    this.#list.setItems(records);
    const running = records.filter(({state}) => state === RUNNING).length;
    setText(
      this.#find('.members .count'),
      `${count(running)} running, ${count(records.length - running)} ended`,
    );
    this.#find('.members .empty').hidden = records.length > 0;
  }

  #fillRow(row, record) {
    const {badge, command, chips, figures, when} = row.parts;
    const {exit} = record;
    const now = this.#store.now();
    command.href = `#/processes/${record.id}`;
    setClass(badge, `badge ${exit ? exit.kind : 'running'}`);
    setText(badge, exit ? exitWord(exit) : 'running');
    setText(command, record.command || '(command not known)');
    fillChips(chips, record.labels, 4);
    setText(
      figures,
      exit
        ? `${duration(exit.duration)} · ${duration(exit.cpu)} CPU · ${bytes(exit.rss)}`
        : [`for ${age(record.runTime(now) ?? 0)}`, usageWords(this.#usage.of(record.id))]
            .filter(Boolean)
            .join(' · '),
    );
    setText(when, record.started === null ? '' : `started ${age(now - record.started)} ago`);
  }
}

function usageWords(used) {
  return used && `${percentWords(used.cpu)} CPU · ${bytes(used.memory)}`;
}

function leaseWords({state, lease_expires_at: at}, now) {
  const expires = parseTime(at);
  if (expires === null || state !== OPEN) {
    return '';
  }
  const left = expires - now;
  return left > 0
    ? `Its lease runs out in ${age(left)}, unless it is renewed.`
    : 'Its lease ran out.';
}

function createRow() {
  const parts = {
    badge: element('span', {class: 'badge'}),
    command: element('a', {class: 'mono command', tabindex: '-1'}),
    chips: element('span', {class: 'chips'}),
    figures: element('span', {class: 'figures'}),
    when: element('span', {class: 'when'}),
  };
  const row = element(
    'div',
    {role: 'row', class: 'row exit'},
    element('span', {role: 'gridcell', class: 'line'}, parts.badge, parts.command, parts.chips),
    element('span', {role: 'gridcell', class: 'line'}, parts.figures, parts.when),
  );
  row.parts = parts;
  return row;
}

function skeleton(id) {
  const where = element(
    'div',
    {class: 'where'},
    element('a', {
      class: 'back',
      href: '#/',
      'aria-label': 'Back to the overview',
      text: '← Overview',
    }),
  );
  const title = element(
    'div',
    {class: 'title'},
    element('span', {class: 'badge'}),
    element(
      'h1',
      {tabindex: '-1'},
      'Session ',
      element('span', {class: 'mono', text: shortId(id)}),
    ),
    copyButton('Copy the id', () => id),
  );
  return [
    element(
      'div',
      {class: 'process-head'},
      where,
      title,
      element('p', {class: 'sentence', 'aria-live': 'off'}),
      element('div', {class: 'chips'}),
    ),
    element(
      'div',
      {class: 'panel forgotten', hidden: ''},
      element('h2', {text: 'The server does not know this session'}),
      element('p', {text: 'It was closed long ago, or the address is not right.'}),
      element('a', {class: 'button', href: '#/', text: 'Back to the overview'}),
    ),
    element(
      'section',
      {class: 'panel members', 'aria-label': 'Processes of the session'},
      element(
        'div',
        {class: 'bar'},
        element('h2', {}, 'Processes ', element('span', {class: 'count'})),
      ),
      element(
        'div',
        {class: 'grid'},
        element('div', {class: 'scroller', role: 'grid', 'aria-label': 'Processes', tabindex: '0'}),
        element(
          'div',
          {class: 'empty', hidden: ''},
          element('p', {text: 'No process was started in it.'}),
          element(
            'p',
            {class: 'hint'},
            'Try: ',
            element('code', {text: `proctor run --session=${id} -- echo hello`}),
          ),
        ),
      ),
    ),
    element(
      'aside',
      {class: 'side', tabindex: '0', 'aria-label': 'About the session'},
      element(
        'section',
        {class: 'panel', 'aria-label': 'Session'},
        element('div', {class: 'bar'}, element('h2', {text: 'Session'})),
        element('dl', {class: 'rows-list facts-list'}),
      ),
    ),
  ];
}
