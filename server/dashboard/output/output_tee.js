// Gives output to a log at once, and to a terminal as soon as there is one.
import {bytes} from '../value/format.js';

export class OutputTee {
  #log;
  #terminal = null;
  // The output so far, for a terminal that may come. Null once that is decided.
  #early = [];

  constructor(log) {
    this.#log = log;
  }

  // Whether attach() is still to come.
  get open() {
    return this.#early !== null && this.#terminal === null;
  }

  // Takes the terminal, or null if there will be none.
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
