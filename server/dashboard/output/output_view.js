// Shows an OutputLog. It can follow the end, wrap lines, show one stream or both, show times, copy
// and search. Each line is an element that is made once; only new and changed lines are drawn.
import {copyText} from '../element/copy.js';
import {element, setText} from '../element/element.js';
import {bytes, clockMillis, plural} from '../value/format.js';
import {OutputSearch} from './output_search.js';

const CLASSES = ['bold', 'dim', 'italic', 'underline', 'strike'];

export class OutputView {
  #log;
  #panel;
  #lines;
  #shown = new Map();
  #version = -1;
  #follows = true;
  #ended = false;
  #dropped = 0;
  #lastTop = 0;
  // 'stdout', 'stderr' or 'all'.
  #stream = 'all';
  #search;

  // `panel` has .lines, .cut, .find, the buttons named follow, wrap, times and copy, and buttons
  // with data-stream.
  constructor(panel, log) {
    this.#panel = panel;
    this.#log = log;
    this.#lines = panel.querySelector('.lines');
    this.#lines.addEventListener('scroll', () => this.#takeScroll(), {passive: true});
    // The bar above may grow, and the window may shrink.
    new ResizeObserver(() => this.#keepEnd()).observe(this.#lines);
    this.#button('follow').addEventListener('click', () => this.follow());
    this.#button('wrap').addEventListener('click', () => this.wrap());
    this.#button('times').addEventListener('click', () => this.times());
    this.#button('copy').addEventListener('click', () => this.#copy());
    for (const button of panel.querySelectorAll('[data-stream]')) {
      button.addEventListener('click', () => this.#choose(button.dataset.stream));
    }
    this.#search = new OutputSearch(panel, this);
  }

  // For the search: yields [line, row] of each line that is shown.
  *rows() {
    for (const [line, {row}] of this.#shown) {
      if (this.#shows(line)) {
        yield [line, row];
      }
    }
  }

  // Whether there is output that is not loaded.
  get partial() {
    return this.#log.bytesBefore + this.#log.cutBytes > 0;
  }

  search() {
    this.#search.focus();
  }

  close() {
    this.#search.close();
  }

  focus() {
    this.#lines.focus();
  }

  times() {
    const shown = this.#lines.classList.toggle('times');
    this.#button('times').setAttribute('aria-pressed', String(shown));
    this.#keepEnd();
  }

  follow(wanted = this.#ended || !this.#follows) {
    this.#showFollowing(wanted);
    if (wanted) {
      this.#lines.scrollTop = this.#lines.scrollHeight;
    }
  }

  wrap() {
    const wraps = this.#lines.classList.toggle('wrap');
    this.#button('wrap').setAttribute('aria-pressed', String(wraps));
    this.#keepEnd();
  }

  render() {
    if (this.#version === this.#log.version) {
      return;
    }
    this.#version = this.#log.version;
    const {lines} = this.#log;
    const kept = new Set(lines);
    for (const [line, {row}] of this.#shown) {
      if (kept.has(line)) {
        break;
      }
      row.remove();
      this.#shown.delete(line);
    }
    const added = document.createDocumentFragment();
    for (const line of lines) {
      const known = this.#shown.get(line);
      if (!known) {
        const row = element('div');
        fill(row, line);
        this.#shown.set(line, {row, version: line.version});
        added.append(row);
      } else if (known.version !== line.version) {
        fill(known.row, line);
        known.version = line.version;
      }
    }
    this.#lines.append(added);
    this.showAbove();
    this.#keepEnd();
    this.#search.update();
  }

  // Says what is above the first line. `dropped` is the number of bytes that the server no longer
  // keeps.
  showAbove(dropped = this.#dropped) {
    this.#dropped = dropped;
    const {bytes: shown, bytesBefore, bytesLost, cutBytes, cutLines} = this.#log;
    const above = bytesBefore + cutBytes;
    const gone = Math.min(above, Math.max(dropped, bytesLost));
    const parts = [];
    if (gone > 0) {
      parts.push(`${bytes(gone)} dropped by the server`);
    }
    if (above > gone) {
      parts.push(`${bytes(above - gone)} still kept by the server`);
    }
    // Lines are counted only if all of them came to this page.
    const lines = bytesBefore === 0 && cutLines > 0 ? ` (${plural(cutLines, 'line')})` : '';
    const cut = this.#panel.querySelector('.cut');
    cut.hidden = above === 0;
    setText(
      cut,
      `Not shown: ${bytes(above)} above${lines}, ${parts.join(', ')}. Shown: ${bytes(shown)}.`,
    );
  }

  // Once the output has ended, there is nothing to follow.
  setEnded(ended) {
    if (ended !== this.#ended) {
      this.#ended = ended;
      this.#showFollowing(this.#follows);
    }
  }

  #choose(stream) {
    this.#stream = stream;
    this.#lines.dataset.only = stream;
    for (const button of this.#panel.querySelectorAll('[data-stream]')) {
      button.setAttribute('aria-pressed', String(button.dataset.stream === stream));
    }
    this.#search.update(true);
    this.#keepEnd();
  }

  #shows({kind}) {
    return this.#stream === 'all' || kind === this.#stream || kind === 'note';
  }

  #button(name) {
    return this.#panel.querySelector(`button[name=${name}]`);
  }

  #keepEnd() {
    if (this.#follows) {
      this.#lines.scrollTop = this.#lines.scrollHeight;
    }
  }

  #showFollowing(follows) {
    this.#follows = follows;
    const button = this.#button('follow');
    if (this.#ended) {
      button.removeAttribute('aria-pressed');
    } else {
      button.setAttribute('aria-pressed', String(follows));
    }
    setText(button, this.#ended ? 'To the end' : follows ? 'Following' : 'Paused');
  }

  // A scroll upward pauses. A scroll to the end follows again.
  #takeScroll() {
    const {scrollTop, scrollHeight, clientHeight} = this.#lines;
    const atEnd = scrollHeight - scrollTop - clientHeight < 24;
    if (atEnd !== this.#follows && (atEnd || scrollTop < this.#lastTop)) {
      this.#showFollowing(atEnd);
    }
    this.#lastTop = scrollTop;
  }

  async #copy() {
    const button = this.#button('copy');
    const times = this.#lines.classList.contains('times');
    const text = this.#log.lines
      .filter((line) => this.#shows(line))
      .map(
        (line) =>
          `${times && line.time !== null ? `${clockMillis(line.time)} ` : ''}${line.text}\n`,
      )
      .join('');
    setText(button, (await copyText(text)) ? 'Copied' : 'Not copied');
    setTimeout(() => setText(button, 'Copy'), 1500);
  }
}

function fill(row, line) {
  row.className = `line ${line.kind}`;
  if (line.time !== null) {
    row.dataset.time = clockMillis(line.time);
  }
  row.replaceChildren(
    ...line.runs.map(({text, style}) => {
      const names = CLASSES.filter((name) => style[name]);
      let {foreground, background} = style;
      if (style.inverse) {
        [foreground, background] = [background ?? 'ground', foreground ?? 'ink'];
      }
      const isName = (color) => typeof color === 'number' || color === 'ground' || color === 'ink';
      if (foreground !== undefined && isName(foreground)) {
        names.push(`fg-${foreground}`);
      }
      if (background !== undefined && isName(background)) {
        names.push(`bg-${background}`);
      }
      if (names.length === 0 && foreground === undefined && background === undefined) {
        return text;
      }
      // The text stays as it is: AnsiReader has read the control sequences.
      const run = element('span', {class: names.join(' ')}, document.createTextNode(text));
      if (foreground !== undefined && !isName(foreground)) {
        run.style.color = foreground;
      }
      if (background !== undefined && !isName(background)) {
        run.style.backgroundColor = background;
      }
      return run;
    }),
  );
}
