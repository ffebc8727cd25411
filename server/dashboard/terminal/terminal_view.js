// A terminal in the page: shows what a process writes to its terminal, and types into it.
//
// Without the focus it only shows. With the focus it sends keys, answers the queries of programs,
// and gives the process's terminal the size of its window. Another client may use the same process.
//
// It is fed by the output stream that the page has anyway, from that stream's offsets.
import {copyText} from '../element/copy.js';
import {element, setText} from '../element/element.js';
import {call} from '../wire/call.js';
import {login} from '../wire/login.js';
import {TerminalInput} from './terminal_input.js';

const SCROLLBACK = 5000;
// The same colours as .lines in output/output.css.
const THEME = {
  background: '#0d1014',
  foreground: '#d8dce2',
  cursor: '#d8dce2',
  cursorAccent: '#0d1014',
  selection: '#6aa9f555',
  black: '#4a515c',
  red: '#f0716b',
  green: '#6cc784',
  yellow: '#dcb45a',
  blue: '#6aa9f5',
  magenta: '#c792ea',
  cyan: '#5cc4cf',
  white: '#c9ced6',
  brightBlack: '#737c89',
  brightRed: '#ff938d',
  brightGreen: '#90e0a4',
  brightYellow: '#f2d07c',
  brightBlue: '#95c4ff',
  brightMagenta: '#deb5f7',
  brightCyan: '#8be0e8',
  brightWhite: '#ffffff',
};

export class TerminalView {
  #id;
  #box;
  #line;
  #words;
  #button;
  #terminal = null;
  #decoder = new TextDecoder();
  #waiting = [];
  #input;
  #closed = false;
  #running = true;
  #focused = false;
  // Whether it sends keys, and answers to the queries of programs.
  #answers = false;
  // The size that the process's terminal last got, or null if another client may have changed it
  // since; the size to give it; and whether a call is on its way.
  #size;
  #wanted = null;
  #resizing = false;
  #resizeTrouble = '';

  // `panel` has .screen and .typing. `spec` is that of the process. Calls `failed` with an error if
  // there can be no terminal.
  constructor(id, panel, spec, failed) {
    this.#id = id;
    this.#box = panel.querySelector('.screen');
    this.#line = panel.querySelector('.typing');
    this.#words = element('span', {role: 'status'});
    this.#button = element('button', {type: 'button', class: 'button', text: 'Take it over'});
    this.#button.addEventListener('click', () => {
      this.#input.takeOver();
      this.#terminal.focus();
    });
    this.#line.replaceChildren(this.#words, this.#button);
    this.#input = new TerminalInput(id, () => this.#show());
    const {rows = 24, columns = 80} = spec.pty.size ?? {};
    this.#size = {rows, columns};
    this.#open().catch((error) => {
      if (!this.#closed) {
        failed(error);
      }
    });
  }

  close() {
    this.#closed = true;
    this.#input.close();
    this.#terminal?.dispose();
  }

  // Takes a piece of the process's output.
  write(data) {
    this.#put(this.#decoder.decode(data, {stream: true}));
  }

  // Says in a line of its own that bytes are missing. It ends any open character, control sequence
  // and colour.
  note(text) {
    this.#decoder = new TextDecoder();
    this.#put(`\x18\x1b[0m\r\n[${text}]\r\n`);
  }

  #put(text) {
    if (this.#terminal === null) {
      this.#waiting.push(text);
    } else {
      this.#terminal.write(text);
    }
  }

  setRunning(running) {
    this.#running = running;
    if (this.#terminal !== null) {
      this.#arm();
    }
    this.#show();
  }

  focus() {
    this.#terminal?.focus();
  }

  // The lines on the screen.
  screen() {
    const {buffer} = this.#terminal._core;
    return Array.from({length: this.#terminal.rows}, (_, row) =>
      buffer.translateBufferLineToString(buffer.ybase + row, true),
    );
  }

  // The library is large, so it is loaded only for a terminal.
  async #open() {
    const [{Terminal}] = await Promise.all([import('/xterm.js'), styles()]);
    if (this.#closed) {
      return;
    }
    const terminal = new Terminal({
      cols: this.#size.columns,
      rows: this.#size.rows,
      scrollback: SCROLLBACK,
      fontFamily: getComputedStyle(this.#box).fontFamily,
      fontSize: 13,
      theme: THEME,
      disableStdin: true,
    });
    terminal.open(this.#box);
    terminal.textarea.setAttribute('aria-label', 'Terminal of the process');
    terminal.attachCustomKeyEventHandler((event) => this.#takeKey(event));
    terminal.on('data', (text) => {
      if (this.#answers) {
        this.#input.type(text);
      }
    });
    terminal.on('focus', () => this.#setFocused(true));
    terminal.on('blur', () => this.#setFocused(false));
    this.#terminal = terminal;
    terminal.write(this.#waiting.splice(0).join(''));
    new ResizeObserver(() => this.#fit()).observe(this.#box);
    this.#show();
  }

  get #types() {
    return this.#running && login.whyNot === '';
  }

  #setFocused(focused) {
    this.#focused = focused;
    // Later, so that the queries in what was written before stay unanswered: they were not for this
    // page.
    setTimeout(() => {
      if (!this.#closed) {
        this.#arm();
      }
    });
    if (focused) {
      this.#size = null;
    }
    this.#fit();
    this.#show();
  }

  #arm() {
    this.#answers = this.#focused && this.#types;
    this.#terminal.setOption('disableStdin', !this.#answers);
  }

  // Returns whether a key goes to the process. Some keys are the page's or the browser's.
  #takeKey(event) {
    if (event.type === 'keydown' && event.key === 'Enter' && event.ctrlKey && event.shiftKey) {
      this.#terminal.blur();
      this.#line.focus();
      return false;
    }
    const key = event.key.toLowerCase();
    // Ctrl-C copies a selection. Without one, it interrupts.
    if (key === 'c' && event.ctrlKey && event.type === 'keydown' && this.#terminal.hasSelection()) {
      event.preventDefault();
      copyText(this.#terminal.getSelection());
      this.#terminal.clearSelection();
      return false;
    }
    // The browser copies and pastes with these.
    return !(((event.ctrlKey && event.shiftKey) || event.metaKey) && ['c', 'v'].includes(key));
  }

  // Gives both terminals the size of the window, if this page has the focus and may type.
  #fit() {
    if (!this.#focused || !this.#types || !this.#box.checkVisibility()) {
      return;
    }
    const {renderer, viewport} = this.#terminal._core;
    const {actualCellWidth: width, actualCellHeight: height} = renderer.dimensions;
    const style = getComputedStyle(this.#box);
    const room = (size, ...edges) =>
      size - edges.reduce((sum, edge) => sum + Number.parseFloat(style[edge]), 0);
    const across = room(this.#box.clientWidth, 'paddingLeft', 'paddingRight');
    const down = room(this.#box.clientHeight, 'paddingTop', 'paddingBottom');
    this.#wanted = {
      rows: Math.max(2, Math.floor(down / height)),
      columns: Math.max(10, Math.floor((across - viewport.scrollBarWidth) / width)),
    };
    this.#resize();
  }

  // Makes one call at a time. Only the last size counts.
  async #resize() {
    if (this.#resizing) {
      return;
    }
    this.#resizing = true;
    while (this.#wanted !== null && !this.#closed) {
      const size = this.#wanted;
      this.#wanted = null;
      if (size.rows === this.#size?.rows && size.columns === this.#size?.columns) {
        continue;
      }
      try {
        await call(this.#id, 'resize', {size});
        this.#size = size;
        this.#terminal.resize(size.columns, size.rows);
        this.#resizeTrouble = '';
      } catch (error) {
        this.#resizeTrouble = `Its size cannot be changed: ${error.message}`;
      }
      this.#show();
    }
    this.#resizing = false;
  }

  #show() {
    const {busy, trouble} = this.#input;
    let words = 'Click into the terminal to type. It takes the size of this window then.';
    if (!this.#running) {
      words = 'The process has ended.';
    } else if (login.whyNot !== '') {
      words = login.whyNot;
    } else if (trouble || this.#resizeTrouble) {
      words = trouble || this.#resizeTrouble;
    } else if (this.#focused) {
      words = 'What you type goes to the process. Ctrl+Shift+Enter, or a click elsewhere, leaves.';
    }
    setText(this.#words, words);
    this.#line.classList.toggle('bad', this.#running && Boolean(trouble || this.#resizeTrouble));
    this.#button.hidden = !busy || !this.#types;
    this.#box.classList.toggle('focused', this.#focused && this.#types);
  }
}

let loading = null;

// Loads the style sheet of the library, once.
function styles() {
  loading ??= new Promise((resolve, reject) => {
    const link = element('link', {rel: 'stylesheet', href: '/xterm.css'});
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => {
      // Let the next terminal try again.
      link.remove();
      loading = null;
      reject(new Error('/xterm.css cannot be read'));
    });
    document.head.append(link);
  });
  return loading;
}
