// Reads what a process wrote for a terminal. It keeps styles, obeys what moves within the line,
// and drops every other control sequence, also one that comes in two pieces or never ends.
//
// Calls back with text(characters, style), newline(), returned() for a carriage return,
// back() for a backspace and erase(mode) for "erase in line" (0 to the end, 1 to the
// start, 2 all of it).

export const PLAIN = Object.freeze({});

const FLAGS = {1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'strike'};
const CLEARS = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
  39: ['foreground'],
  49: ['background'],
};
// Longer than any real parameters. More than that is not kept.
const MOST_PARAMETERS = 128;

const ESC = '\u001b';
const BEL = '\u0007';

export class AnsiReader {
  #sink;
  #style = PLAIN;
  #state = 'text';
  #parameters = '';

  constructor(sink) {
    this.#sink = sink;
  }

  write(text) {
    let from = 0;
    let at = 0;
    const flush = () => {
      if (at > from) {
        this.#sink.text(text.slice(from, at), this.#style);
      }
    };
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (
        this.#state === 'text' &&
        ((code >= 0x20 && code < 0x7f) || code > 0x9f || code === 0x09)
      ) {
        at++;
        continue;
      }
      if (this.#state === 'text') {
        flush();
        this.#control(text[at]);
      } else {
        this.#sequence(text[at], code);
      }
      at++;
      from = at;
    }
    flush();
  }

  #control(character) {
    switch (character) {
      case '\n':
        this.#sink.newline();
        break;
      case '\r':
        this.#sink.returned();
        break;
      case '\b':
        this.#sink.back();
        break;
      case ESC:
        this.#state = 'escape';
        break;
      case '\u009b':
        this.#begin('control');
        break;
      case '\u0090':
      case '\u0098':
      case '\u009d':
      case '\u009e':
      case '\u009f':
        this.#state = 'string';
        break;
    }
  }

  #begin(state) {
    this.#state = state;
    this.#parameters = '';
  }

  #sequence(character, code) {
    switch (this.#state) {
      case 'escape':
        if (character === '[') {
          this.#begin('control');
        } else if ('PX]^_'.includes(character)) {
          this.#state = 'string';
        } else if (code < 0x20 || code > 0x2f) {
          this.#leave(character);
        }
        break;
      case 'control':
        if (code >= 0x40 && code <= 0x7e) {
          this.#state = 'text';
          this.#finish(character);
        } else if (code < 0x20 || code > 0x7e) {
          this.#leave(character);
        } else if (this.#parameters.length < MOST_PARAMETERS) {
          this.#parameters += character;
        }
        break;
      case 'string':
        if (character === BEL || character === '\u009c' || character === '\u0018') {
          this.#state = 'text';
        } else if (character === ESC) {
          this.#state = 'string end';
        } else if (character === '\n') {
          // No title has a second line, so its terminator was lost. What follows is output.
          this.#leave(character);
        }
        break;
      case 'string end':
        this.#state = 'escape';
        if (character === '\\') {
          this.#state = 'text';
        } else {
          this.#sequence(character, code);
        }
        break;
    }
  }

  // Ends a sequence. A control character that broke it off still takes effect.
  #leave(character) {
    this.#state = 'text';
    if (character < ' ') {
      this.#control(character);
    }
  }

  #finish(final) {
    if (final === 'm' && !/[<-?]/.test(this.#parameters)) {
      this.#setStyle();
    } else if (final === 'K') {
      this.#sink.erase(Number.parseInt(this.#parameters || '0', 10));
    }
  }

  #setStyle() {
    const parts = this.#parameters
      .split(';')
      .map((part) => part.split(':').map((text) => Number.parseInt(text || '0', 10)));
    let style = {...this.#style};
    for (let index = 0; index < parts.length; index++) {
      const [code, ...rest] = parts[index];
      if (code === 0) {
        style = {};
      } else if (FLAGS[code]) {
        style[FLAGS[code]] = true;
      } else if (CLEARS[code]) {
        CLEARS[code].forEach((name) => delete style[name]);
      } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
        style.foreground = code >= 90 ? code - 82 : code - 30;
      } else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) {
        style.background = code >= 100 ? code - 92 : code - 40;
      } else if (code === 38 || code === 48) {
        // 38;2;R;G;B and 38:2::R:G:B mean the same.
        const colons = rest.length > 0;
        const [color, used] = extendedColor(colons ? rest : parts.slice(index + 1).flat(), colons);
        index += colons ? 0 : used;
        if (color !== null) {
          style[code === 38 ? 'foreground' : 'background'] = color;
        }
      }
    }
    this.#style = Object.keys(style).length > 0 ? Object.freeze(style) : PLAIN;
  }
}

function extendedColor(codes, colons) {
  const byte = (value) => Math.min(255, Math.max(0, value || 0));
  if (codes[0] === 5) {
    return [indexedColor(byte(codes[1])), 2];
  }
  if (codes[0] === 2) {
    // With colons, the id of a colour space stands before the three numbers.
    const from = colons && codes.length >= 5 ? 2 : 1;
    return [
      `rgb(${codes
        .slice(from, from + 3)
        .map(byte)
        .join(',')})`,
      from + 3,
    ];
  }
  return [null, 0];
}

// The palette of 256 colours. The theme has the first 16; the others are fixed.
function indexedColor(index) {
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey},${grey},${grey})`;
  }
  const level = (value) => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`;
}
