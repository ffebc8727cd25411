// Searches the lines that are shown, marks the matches, and steps through them. Each line is
// searched once, and again when it changes.
import {setText} from '../element/element.js';
import {count} from '../value/format.js';

// More matches are neither counted nor marked.
const MOST = 5000;
const marks = 'highlights' in CSS;

export class OutputSearch {
  #view;
  #input;
  #count;
  #partial;
  #case;
  #pattern = null;
  // By line: {version, ranges}.
  #found = new Map();
  #ranges = [];
  #current = null;
  #row = null;

  // `view` has rows(), which yields [line, row] of each line that is shown; `partial`, whether more
  // output is not loaded; and follow(wanted). `panel` has .find with an input, buttons and .found.
  constructor(panel, view) {
    this.#view = view;
    this.#input = panel.querySelector('.find input');
    this.#count = panel.querySelector('.find .found');
    this.#partial = panel.querySelector('.find .partial');
    this.#case = panel.querySelector('.find [name=case]');
    this.#input.addEventListener('input', () => this.#begin());
    this.#input.addEventListener('keydown', (event) => this.#takeKey(event));
    this.#case.addEventListener('click', () => {
      const on = this.#case.getAttribute('aria-pressed') !== 'true';
      this.#case.setAttribute('aria-pressed', String(on));
      this.#begin();
    });
    panel.querySelector('.find [name=next]').addEventListener('click', () => this.step(1));
    panel.querySelector('.find [name=previous]').addEventListener('click', () => this.step(-1));
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  close() {
    if (marks) {
      CSS.highlights.clear();
    }
  }

  // Searches new and changed lines. With `anew`, all of them, because others are shown.
  update(anew = false) {
    if (anew) {
      this.#found.clear();
    }
    if (this.#pattern === null) {
      return;
    }
    const before = this.#found;
    this.#found = new Map();
    this.#ranges = [];
    for (const [line, row] of this.#view.rows()) {
      const known = before.get(line);
      const found =
        known?.version === line.version
          ? known
          : {version: line.version, ranges: this.#search(row)};
      this.#found.set(line, found);
      this.#ranges.push(...found.ranges);
      if (this.#ranges.length >= MOST) {
        break;
      }
    }
    this.#show();
  }

  step(by) {
    const {length} = this.#ranges;
    if (length === 0) {
      return;
    }
    const at = this.#ranges.indexOf(this.#current);
    const next = at < 0 ? (by > 0 ? 0 : length - 1) : (at + by + length) % length;
    this.#go(this.#ranges[next]);
  }

  #begin() {
    const text = this.#input.value;
    const exact = this.#case.getAttribute('aria-pressed') === 'true';
    this.#pattern =
      text === ''
        ? null
        : new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), exact ? 'gv' : 'giv');
    this.#ranges = [];
    this.#current = null;
    this.update(true);
    this.#show();
    // Begin with the newest match: the newest lines are in sight.
    if (this.#ranges.length > 0) {
      this.#go(this.#ranges.at(-1));
    }
  }

  #go(range) {
    this.#current = range;
    this.#view.follow(false);
    range.startContainer.parentElement
      .closest('.line')
      .scrollIntoView({block: 'center', inline: 'nearest'});
    this.#show();
  }

  #search(row) {
    const nodes = [];
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    let text = '';
    while (walker.nextNode()) {
      nodes.push({node: walker.currentNode, from: text.length});
      text += walker.currentNode.data;
    }
    const place = (at, isEnd) => {
      const index = nodes.findLastIndex(({from}) => (isEnd ? from < at : from <= at));
      return [nodes[index].node, at - nodes[index].from];
    };
    return [...text.matchAll(this.#pattern)].map(({index, 0: found}) => {
      const range = document.createRange();
      range.setStart(...place(index, false));
      range.setEnd(...place(index + found.length, true));
      return range;
    });
  }

  #show() {
    const {length} = this.#ranges;
    const at = this.#ranges.indexOf(this.#current);
    const all = length >= MOST ? `${count(length)}+` : count(length);
    let words = '';
    if (this.#pattern !== null) {
      words = length === 0 ? 'none' : at < 0 ? `${all} found` : `${count(at + 1)} of ${all}`;
    }
    setText(this.#count, words);
    this.#partial.hidden = this.#pattern === null || !this.#view.partial;
    this.#row?.classList.remove('current');
    this.#row = at < 0 ? null : this.#current.startContainer.parentElement?.closest('.line');
    this.#row?.classList.add('current');
    if (marks) {
      CSS.highlights.set('found', new Highlight(...this.#ranges));
      CSS.highlights.set('found-current', new Highlight(...(at < 0 ? [] : [this.#current])));
      CSS.highlights.get('found-current').priority = 1;
    }
  }

  #takeKey(event) {
    if (event.key === 'Enter') {
      event.preventDefault();
      this.step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.#input.value = '';
      this.#begin();
      this.#view.focus();
    }
  }
}
