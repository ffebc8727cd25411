// A scrolled list of any length. Only the visible rows exist as elements. All rows have the
// height --row-height, a CSS variable of the scroller. A .head in it stays at the top.
//
// The rows in sight stay in place while others come above them. At the very top of the list,
// new rows flow in.

const OVERSCAN = 6;

export class VirtualList {
  #scroller;
  #sizer = document.createElement('div');
  #row;
  #items = [];
  #pool = [];
  #height = 0;
  #rowHeight = 1;
  #anchor = null;
  #selected = null;
  #refill = true;
  #schedule;

  // `row`: {create() -> element, fill(element, item, index), open(item), prefix}.
  // An item has `id` and `version`. `schedule` asks for a render() soon.
  constructor(scroller, row, schedule) {
    this.#scroller = scroller;
    this.#row = row;
    this.#schedule = schedule;
    this.#sizer.className = 'rows';
    this.#sizer.setAttribute('role', 'rowgroup');
    scroller.append(this.#sizer);
    scroller.addEventListener('scroll', schedule, {passive: true});
    scroller.addEventListener('keydown', (event) => this.#takeKey(event));
    new ResizeObserver(() => this.measure()).observe(scroller);
    this.#sizer.addEventListener('click', (event) => this.#takeClick(event));
  }

  get items() {
    return this.#items;
  }

  // The items that have a row now, a few beyond those in sight.
  get seen() {
    return this.#pool.map(({item}) => item).filter(Boolean);
  }

  get selected() {
    return this.#selected;
  }

  measure() {
    const head = this.#scroller.querySelector('.head');
    this.#height = this.#scroller.clientHeight - (head?.offsetHeight ?? 0);
    const wanted = getComputedStyle(this.#scroller).getPropertyValue('--row-height');
    this.#rowHeight = Number.parseFloat(wanted) || 34;
    this.#refill = true;
    this.#schedule();
  }

  setItems(items) {
    this.#remember();
    this.#items = items;
    this.#refill = true;
  }

  // Has all visible rows filled again, for what changes with time alone.
  refill() {
    this.#refill = true;
  }

  render() {
    const {length} = this.#items;
    const total = `${length * this.#rowHeight}px`;
    if (this.#sizer.style.height !== total) {
      this.#sizer.style.height = total;
    }
    this.#restore();
    const top = this.#scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / this.#rowHeight) - OVERSCAN);
    const visible = Math.ceil(this.#height / this.#rowHeight) + 2 * OVERSCAN + 1;
    while (this.#pool.length < visible) {
      const element = this.#row.create();
      element.hidden = true;
      this.#sizer.append(element);
      this.#pool.push({element, item: null, index: -1, version: -1});
    }
    while (this.#pool.length > visible) {
      this.#pool.pop().element.remove();
    }
    // A row keeps its element while it is in sight, so that scrolling fills few.
    for (let index = first; index < first + visible; index++) {
      this.#place(this.#pool[index % visible], index);
    }
    this.#refill = false;
  }

  select(item) {
    this.#selected = item?.id ?? null;
    this.#refill = true;
    this.#schedule();
  }

  // Moves the selection by so many rows and into sight.
  move(by) {
    const {length} = this.#items;
    if (length === 0) {
      return;
    }
    const now = this.#items.findIndex(({id}) => id === this.#selected);
    const next = now < 0 ? Math.floor(this.#scroller.scrollTop / this.#rowHeight) : now + by;
    const index = Math.min(length - 1, Math.max(0, next));
    this.select(this.#items[index]);
    this.#anchor = null;
    const top = index * this.#rowHeight;
    const {scrollTop} = this.#scroller;
    if (top < scrollTop) {
      this.#scroller.scrollTop = top;
    } else if (top + this.#rowHeight > scrollTop + this.#height) {
      this.#scroller.scrollTop = top + this.#rowHeight - this.#height;
    }
  }

  openSelected() {
    const item = this.#items.find(({id}) => id === this.#selected);
    if (item) {
      this.#row.open(item);
    }
  }

  scrollToTop() {
    this.#anchor = null;
    this.#scroller.scrollTop = 0;
  }

  #remember() {
    const top = this.#scroller.scrollTop;
    const index = Math.floor(top / this.#rowHeight);
    const item = this.#items[index];
    this.#anchor =
      top < this.#rowHeight / 2 || !item
        ? null
        : {id: item.id, offset: top - index * this.#rowHeight};
  }

  #restore() {
    if (this.#anchor === null) {
      return;
    }
    const index = this.#items.findIndex(({id}) => id === this.#anchor.id);
    const top = index * this.#rowHeight + this.#anchor.offset;
    if (index >= 0 && Math.abs(top - this.#scroller.scrollTop) >= 1) {
      this.#scroller.scrollTop = top;
    }
    this.#anchor = null;
  }

  #place(slot, index) {
    const {element} = slot;
    const item = this.#items[index];
    if (!item) {
      element.hidden = true;
      slot.item = null;
      return;
    }
    if (
      slot.item === item &&
      slot.index === index &&
      slot.version === item.version &&
      !this.#refill
    ) {
      return;
    }
    if (slot.index !== index || slot.item === null) {
      element.style.transform = `translateY(${index * this.#rowHeight}px)`;
      element.setAttribute('aria-rowindex', index + 2);
    }
    slot.item = item;
    slot.index = index;
    slot.version = item.version;
    element.hidden = false;
    element.dataset.id = item.id;
    this.#row.fill(element, item);
    const selected = item.id === this.#selected;
    if (element.ariaSelected !== String(selected)) {
      element.ariaSelected = String(selected);
    }
    if (selected) {
      element.id = `${this.#row.prefix}-selected`;
      this.#scroller.setAttribute('aria-activedescendant', element.id);
    } else if (element.id) {
      element.removeAttribute('id');
    }
  }

  #takeClick(event) {
    const element = event.target.closest('[data-id]');
    const item = element && this.#items.find(({id}) => id === element.dataset.id);
    if (!item) {
      return;
    }
    this.select(item);
    // A link opens by itself, also in another tab.
    if (!event.defaultPrevented && !event.target.closest('a')) {
      this.#row.open(item);
    }
  }

  #takeKey(event) {
    const page = Math.max(1, Math.floor(this.#height / this.#rowHeight) - 1);
    const by = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      End: Infinity,
      Home: -Infinity,
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('button')) {
      return;
    }
    if (by !== undefined) {
      event.preventDefault();
      this.move(by);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.openSelected();
    }
  }
}
