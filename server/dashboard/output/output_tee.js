// Gives output to all that show it: to a log at once, and to a terminal as soon as there is one.
import {bytes} from '../value/format.js';

export class OutputTee {
  #log;
  #terminal = null;
  // What a terminal that comes later will want to know; null where none comes.
  #early = [];

  constructor(log) {
    this.#log = log;
  }

  // Whether it is still to be said if there will be a terminal.
  get open() {
    return this.#early !== null && this.#terminal === null;
  }

  // A terminal, or null where there will be none.
  attach(terminal) {
    this.#terminal = terminal;
    for (const tell of this.#early ?? []) {
      if (terminal !== null) {
        tell(terminal);
      }
    }
    this.#early = null;
  }

  write(stream, data, time) {
    this.#log.write(stream, data, time);
    this.#tell((terminal) => terminal.write(data));
  }

  note(text, stream, size) {
    this.#log.note(text, stream, size);
    this.#tell((terminal) => terminal.note(text));
  }

  skip(size, lost) {
    this.#log.skip(size, lost);
    const text = lost > 0 ? `${bytes(lost)} are no longer kept` : `${bytes(size)} more came before`;
    this.#tell((terminal) => terminal.note(text));
  }

  #tell(what) {
    if (this.#terminal !== null) {
      what(this.#terminal);
    } else {
      this.#early?.push(what);
    }
  }
}
