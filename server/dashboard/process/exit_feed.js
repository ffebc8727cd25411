// The newest exits, each with its cause and its cost.
import {element, setClass, setText} from '../element/element.js';
import {Pace} from '../element/pace.js';
import {VirtualList} from '../element/virtual_list.js';
import {causeWords, exitWord} from '../value/exit_status.js';
import {age, bytes, count, duration} from '../value/format.js';

export class ExitFeed {
  #store;
  #panel;
  #list;
  #pace;

  constructor(panel, store, schedule) {
    this.#panel = panel;
    this.#store = store;
    this.#pace = new Pace(schedule);
    this.#list = new VirtualList(
      panel.querySelector('.scroller'),
      {
        prefix: 'exit',
        create: createRow,
        fill: (row, record) => this.#fillRow(row, record),
        open: ({id}) => {
          location.hash = `#/processes/${id}`;
        },
      },
      schedule,
    );
  }

  get list() {
    return this.#list;
  }

  render(ticked) {
    if (this.#pace.due(this.#store.version)) {
      const exits = this.#store.newestExits();
      const {length} = exits;
      this.#list.setItems(exits);
      setText(this.#panel.querySelector('.count'), length > 0 ? `newest ${count(length)}` : '');
      this.#panel.querySelector('.empty').hidden = length > 0;
    }
    if (ticked) {
      this.#list.refill();
    }
    this.#list.render();
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
