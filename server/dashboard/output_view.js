// Shows an OutputLog: follows its end, wraps or not, copies. Lines are elements that are
// made once; only new and changed ones are touched.
import {element, setText} from './element.js';
import {bytes, plural} from './format.js';

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

  // `panel` has .lines, .cut and the buttons named follow, wrap and copy.
  constructor(panel, log) {
    this.#panel = panel;
    this.#log = log;
    this.#lines = panel.querySelector('.lines');
    this.#lines.addEventListener('scroll', () => this.#takeScroll(), {passive: true});
    // What is above may take room, and a window may be made smaller.
    new ResizeObserver(() => this.#keepEnd()).observe(this.#lines);
    this.#button('follow').addEventListener('click', () => this.follow());
    this.#button('wrap').addEventListener('click', () => this.wrap());
    this.#button('copy').addEventListener('click', () => this.#copy());
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
  }

  // Says what is above the first line. `dropped` are the bytes of the process that the server
  // keeps no more.
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
    // How many lines the rest had, nobody has seen.
    const lines = bytesBefore === 0 && cutLines > 0 ? ` (${plural(cutLines, 'line')})` : '';
    const cut = this.#panel.querySelector('.cut');
    cut.hidden = above === 0;
    setText(
      cut,
      `Not shown: ${bytes(above)} above${lines}, ${parts.join(', ')}. Shown: ${bytes(shown)}.`,
    );
  }

  // Following makes sense while something may come, and says nothing of what nobody knows.
  setEnded(ended) {
    if (ended !== this.#ended) {
      this.#ended = ended;
      this.#showFollowing(this.#follows);
    }
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

  // Whoever scrolls up wants to read; whoever comes back to the end, to follow.
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
    try {
      await navigator.clipboard.writeText(this.#log.text());
      setText(button, 'Copied');
    } catch {
      // Plain HTTP on a name of its own has no clipboard: select, and let Ctrl-C do it.
      getSelection().selectAllChildren(this.#lines);
      setText(button, 'Selected');
    }
    setTimeout(() => setText(button, 'Copy'), 1500);
  }
}

function fill(row, line) {
  row.className = `line ${line.kind}`;
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
      // As it is: what a terminal would obey was read by AnsiReader.
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
