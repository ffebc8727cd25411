// Gives output to all that show it: to a log at once, and to a terminal as soon as there is one.
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
    for (const data of this.#early ?? []) {
      terminal?.write(data);
    }
    this.#early = null;
  }

  write(stream, data, time) {
    this.#log.write(stream, data, time);
    if (this.#terminal !== null) {
      this.#terminal.write(data);
    } else {
      this.#early?.push(data);
    }
  }

  note(text, stream, bytes) {
    this.#log.note(text, stream, bytes);
  }

  skip(bytes, lost) {
    this.#log.skip(bytes, lost);
  }
}
