// The table of processes: searched, filtered, sorted, and drawn no faster than it can be read.
import {element, icon, setClass, setText, setTitle} from '../element/element.js';
import {fillChips} from '../element/label_chips.js';
import {Pace} from '../element/pace.js';
import {VirtualList} from '../element/virtual_list.js';
import {EXITED, RUNNING} from '../live/process_record.js';
import {percentWords} from '../live/usage.js';
import {causeWords, exitWord} from '../value/exit_status.js';
import {age, bytes, count, dateTime, duration, shortId} from '../value/format.js';

const MOST_CHIPS = 4;
const MOST_ASKED = 500;

// The actions that a row offers, each with the path of its icon.
const ROW_ACTIONS = {
  stop: ['Stop', 'M4.5 4.5h7v7h-7z'],
  kill: ['Kill', 'M4 4l8 8M12 4l-8 8'],
  restart: ['Start again', 'M12.5 8A4.5 4.5 0 1 1 11 4.6M11.5 2v3h-3'],
};

const COLUMNS = {
  state: {title: 'State', key: (record) => (record.state === RUNNING ? 0 : stateRank(record.exit))},
  command: {title: 'Command', key: (record) => record.command},
  session: {title: 'Session', key: (record) => record.sessionId},
  started: {title: 'Started', key: (record) => record.started ?? 0, descending: true},
  time: {title: 'Run time', key: (record, now) => record.runTime(now) ?? -1, descending: true},
  cpu: {
    title: 'CPU',
    key: (record, now, usage) => record.exit?.cpu ?? usage.of(record.id)?.cpuTime ?? -1,
    descending: true,
  },
  rss: {
    title: 'Memory',
    key: (record, now, usage) => record.exit?.rss ?? usage.of(record.id)?.memory ?? -1,
    descending: true,
  },
};

const FILTERS = {
  all: () => true,
  running: (record) => record.state === RUNNING,
  ended: (record) => record.state !== RUNNING,
  failed: (record) => record.exit !== null && record.exit.kind !== 'ok',
  draining: (record) => record.state === EXITED,
};

function stateRank(exit) {
  return {failed: 1, unknown: 2, asked: 3, ok: 4}[exit?.kind] ?? 5;
}

export class ProcessTable {
  #store;
  #panel;
  #list;
  #sort = {column: 'started', descending: true};
  #filter = 'all';
  #terms = [];
  #pace;
  #dirty = true;
  #usage;
  #actions;
  #schedule;

  constructor(panel, store, usage, actions, schedule) {
    this.#panel = panel;
    this.#store = store;
    this.#usage = usage;
    this.#actions = actions;
    this.#schedule = schedule;
    this.#pace = new Pace(schedule);
    this.#list = new VirtualList(
      panel.querySelector('.scroller'),
      {
        prefix: 'process',
        create: () => this.#createRow(),
        fill: (row, record) => this.#fillRow(row, record),
        open: ({id}) => {
          location.hash = `#/processes/${id}`;
        },
      },
      schedule,
    );
    this.search = panel.querySelector('input[type=search]');
    this.search.addEventListener('input', () => this.#setSearch());
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === 'ArrowDown') {
        event.preventDefault();
        this.focus();
      }
    });
    for (const button of panel.querySelectorAll('[data-filter]')) {
      button.addEventListener('click', () => this.setFilter(button.dataset.filter));
    }
    const head = panel.querySelector('.head');
    for (const [name, {title}] of Object.entries(COLUMNS)) {
      const button = element('button', {type: 'button', text: title});
      button.addEventListener('click', () => this.#sortBy(name));
      head.append(
        element('div', {role: 'columnheader', class: `c-${name}`, 'data-column': name}, button),
      );
    }
    this.#showSort();
  }

  get list() {
    return this.#list;
  }

  // The record of the selected row, or null.
  get selected() {
    return this.#list.items.find(({id}) => id === this.#list.selected) ?? null;
  }

  focus() {
    this.#panel.querySelector('.scroller').focus();
    if (!this.#list.selected) {
      this.#list.move(0);
    }
  }

  // The query for Usage: all running processes, or those in sight if there are many.
  usageQuery() {
    if (this.#store.running === 0 || !this.#panel.checkVisibility()) {
      return null;
    }
    if (this.#store.running <= MOST_ASKED) {
      return [];
    }
    const seen = this.#list.seen.filter(({state}) => state === RUNNING);
    return seen.length === 0 ? null : seen.map(({id}) => ['process_id', id]);
  }

  // Moves the selection, and the focus with it.
  step(by) {
    this.#panel.querySelector('.scroller').focus({preventScroll: true});
    this.#list.move(by);
  }

  setFilter(name) {
    this.#filter = name;
    for (const button of this.#panel.querySelectorAll('[data-filter]')) {
      button.setAttribute('aria-pressed', String(button.dataset.filter === name));
    }
    this.#refresh();
  }

  searchFor(text) {
    this.search.value = text;
    this.#setSearch();
  }

  // Draws what changed. `ticked` says that a second has passed.
  render(ticked) {
    if (this.#pace.due(this.#store.version, this.#dirty)) {
      this.#choose();
    }
    if (ticked) {
      this.#list.refill();
    }
    this.#list.render();
  }

  #setSearch() {
    this.#terms = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.#refresh();
  }

  #refresh() {
    this.#dirty = true;
    this.#list.scrollToTop();
    this.#schedule();
  }

  #sortBy(column) {
    const same = this.#sort.column === column;
    this.#sort = {
      column,
      descending: same ? !this.#sort.descending : Boolean(COLUMNS[column].descending),
    };
    this.#showSort();
    this.#refresh();
  }

  #showSort() {
    for (const head of this.#panel.querySelectorAll('[data-column]')) {
      const sorted = head.dataset.column === this.#sort.column;
      const order = this.#sort.descending ? 'descending' : 'ascending';
      head.setAttribute('aria-sort', sorted ? order : 'none');
    }
  }

  #choose() {
    this.#dirty = false;
    const allows = FILTERS[this.#filter];
    const chosen = [];
    for (const record of this.#store.processes.values()) {
      if (allows(record) && this.#terms.every((term) => record.text.includes(term))) {
        chosen.push(record);
      }
    }
    this.#order(chosen);
    this.#list.setItems(chosen);
    this.#showCounts(chosen.length);
  }

  // Sort keys are made once for each row, because there are many more comparisons.
  #order(records) {
    const {key} = COLUMNS[this.#sort.column];
    const now = this.#store.now();
    const sign = this.#sort.descending ? -1 : 1;
    const keyed = records.map((record, index) => ({
      record,
      index,
      value: key(record, now, this.#usage),
    }));
    keyed.sort((one, other) => {
      if (one.value !== other.value) {
        return one.value < other.value ? -sign : sign;
      }
      return (other.record.started ?? 0) - (one.record.started ?? 0) || other.index - one.index;
    });
    keyed.forEach(({record}, index) => {
      records[index] = record;
    });
  }

  #showCounts(shown) {
    const all = this.#store.processes.size;
    const scroller = this.#panel.querySelector('.scroller');
    scroller.setAttribute('aria-rowcount', shown + 1);
    setText(
      this.#panel.querySelector('.count'),
      shown === all ? count(all) : `${count(shown)} of ${count(all)}`,
    );
    const empty = this.#panel.querySelector('.empty');
    empty.hidden = shown > 0;
    const nothing =
      this.#store.position === null
        ? ['Reading what the server knows…', '']
        : all === 0
          ? ['No process yet.', 'proctor run -- echo hello']
          : ['No process matches.', ''];
    setText(empty.querySelector('p'), nothing[0]);
    const hint = empty.querySelector('.hint');
    hint.hidden = nothing[1] === '';
    setText(hint.querySelector('code'), nothing[1]);
    empty.querySelector('button').hidden = all === 0;
  }

  #createRow() {
    const cell = (name, ...children) =>
      element('span', {role: 'gridcell', class: `c-${name}`}, ...children);
    const row = element(
      'div',
      {role: 'row', class: 'row'},
      cell(
        'state',
        element('i', {class: 'dot', 'aria-hidden': 'true'}),
        element('span', {class: 'word'}),
      ),
      cell(
        'command',
        element('a', {class: 'mono', tabindex: '-1'}),
        element('span', {class: 'chips'}),
      ),
      cell('session', element('a', {class: 'aside', tabindex: '-1'})),
      ...['started', 'time', 'cpu', 'rss'].map((name) => cell(name)),
      cell('actions', ...Object.keys(ROW_ACTIONS).map(actionButton)),
    );
    row.addEventListener('click', (event) => {
      const chip = event.target.closest('.chip');
      const button = event.target.closest('[data-action]');
      if (button) {
        event.preventDefault();
        this.#actions.start(button.dataset.action, row.record);
      } else if (chip) {
        event.preventDefault();
        this.searchFor(chip.dataset.label);
      }
    });
    const [state, command, ...others] = row.children;
    const offers = others.pop();
    row.parts = {
      dot: state.children[0],
      word: state.children[1],
      command: command.children[0],
      chips: command.children[1],
      others: others.map((one) => one.firstElementChild ?? one),
      offers: [...offers.children],
    };
    return row;
  }

  #fillRow(row, record) {
    const {parts} = row;
    const {exit} = record;
    row.record = record;
    const now = this.#store.now();
    const kind = exit ? exit.kind : 'running';
    parts.command.href = `#/processes/${record.id}`;
    setClass(parts.dot, `dot ${kind}`);
    setText(parts.word, exit ? exitWord(exit) : 'running');
    setClass(parts.word, `word ${kind}`);
    const why = exit ? `${exitWord(exit)}: ${causeWords(exit)}` : 'running';
    setTitle(row.children[0], record.state === EXITED ? `${why}; output still open` : why);
    setText(parts.command, record.command || '(command not known)');
    if (parts.command.title !== record.command) {
      parts.command.title = record.command;
      // Labels shrink before a short command does. A long command shrinks before its labels.
      parts.command.style.minWidth = `min(45%, ${record.command.length}ch)`;
    }
    fillChips(parts.chips, record.labels, MOST_CHIPS);
    const used = exit ? null : this.#usage.of(record.id);
    const texts = [
      shortId(record.sessionId),
      record.started === null ? '–' : `${age(now - record.started)} ago`,
      duration(record.runTime(now)),
      exit ? duration(exit.cpu) : percentWords(used?.cpu ?? null),
      exit ? bytes(exit.rss) : bytes(used?.memory ?? null),
    ];
    setTitle(parts.others[3], exit ? 'CPU time' : used ? `${duration(used.cpuTime)} so far` : '');
    setTitle(parts.others[4], exit ? 'the most at one time, of one process' : used ? 'now' : '');
    texts.forEach((text, index) => setText(parts.others[index], text));
    parts.others[0].href = `#/sessions/${record.sessionId}`;
    for (const button of parts.offers) {
      button.hidden = this.#actions.refusal(button.dataset.action, record) !== '';
    }
    parts.others[1].title = record.started === null ? '' : dateTime(record.started);
  }
}

// Tab skips these buttons: a row has its own keys for them.
function actionButton(name) {
  const [label, path] = ROW_ACTIONS[name];
  const button = element('button', {
    type: 'button',
    tabindex: '-1',
    'data-action': name,
    'aria-label': label,
    title: label,
  });
  button.append(icon(path));
  return button;
}
