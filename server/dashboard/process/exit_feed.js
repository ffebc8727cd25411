// The newest exits, each with its cause and its cost.
import {element, setClass, setText} from '../element/element.js';
import {ListPanel} from '../element/list_panel.js';
import {causeWords, exitWord} from '../value/exit_status.js';
import {age, bytes, count, duration} from '../value/format.js';

export class ExitFeed {
  #store;
  #panel;

  constructor(panel, store, schedule) {
    this.#store = store;
    this.#panel = new ListPanel(
      panel,
      {
        prefix: 'exit',
        path: 'processes',
        create: createRow,
        fill: (row, record) => this.#fillRow(row, record),
      },
      schedule,
    );
  }

  get list() {
    return this.#panel.list;
  }

  render(ticked) {
    this.#panel.render(this.#store.version, ticked, () => {
      const items = this.#store.newestExits();
      return {items, count: `newest ${count(items.length)}`};
    });
  }

  #fillRow(row, record) {
    const {exit} = record;
    const {badge, command, cause, figures, when} = row.parts;
    command.href = `#/processes/${record.id}`;
    setClass(badge, `badge ${exit.kind}`);
    setText(badge, exitWord(exit));
    setText(command, record.command || '(command not known)');
    setText(cause, causeWords(exit));
    setText(figures, `${duration(exit.duration)} · ${duration(exit.cpu)} CPU · ${bytes(exit.rss)}`);
    setText(when, `${age(this.#store.now() - exit.exitedAt)} ago`);
  }
}

function createRow() {
  const parts = {
    badge: element('span', {class: 'badge'}),
    command: element('a', {class: 'mono command', tabindex: '-1'}),
    cause: element('span', {class: 'cause'}),
    figures: element('span', {class: 'figures'}),
    when: element('span', {class: 'when'}),
  };
  const row = element(
    'div',
    {role: 'row', class: 'row exit'},
    element('span', {role: 'gridcell', class: 'line'}, parts.badge, parts.command),
    element('span', {role: 'gridcell', class: 'line'}, parts.cause, parts.figures, parts.when),
  );
  row.parts = parts;
  return row;
}
