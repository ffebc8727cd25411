// A panel of the overview: a list of things that have pages of their own, and how many there are.
import {setText} from './element.js';
import {Pace} from './pace.js';
import {VirtualList} from './virtual_list.js';

export class ListPanel {
  #panel;
  #list;
  #pace;

  // `row`: as of VirtualList, but with the `path` of the pages instead of `open`.
  constructor(panel, {path, ...row}, schedule) {
    this.#panel = panel;
    this.#pace = new Pace(schedule);
    this.#list = new VirtualList(
      panel.querySelector('.scroller'),
      {
        ...row,
        open: ({id}) => {
          location.hash = `#/${path}/${id}`;
        },
      },
      schedule,
    );
  }

  get list() {
    return this.#list;
  }

  // Shows what `choose` returns, {items, count}, if it is time for this version. `count` is a text,
  // left out where there are no items. `ticked`: what rows tell of the time is old.
  render(version, ticked, choose) {
    if (this.#pace.due(version)) {
      const {items, count} = choose();
      this.#list.setItems(items);
      setText(this.#panel.querySelector('.count'), items.length > 0 ? count : '');
      this.#panel.querySelector('.empty').hidden = items.length > 0;
    }
    if (ticked) {
      this.#list.refill();
    }
    this.#list.render();
  }
}
