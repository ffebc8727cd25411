// Keeps a view from redrawing more often than can be read.

const REFRESH_MS = 250;

export class Pace {
  #schedule;
  #version = -1;
  #at = -Infinity;
  #timer = null;

  // `schedule` asks for a frame.
  constructor(schedule) {
    this.#schedule = schedule;
  }

  // Whether `version` is to be drawn now. If it is too early, a frame is asked for later.
  due(version, urgent = false) {
    if (version === this.#version && !urgent) {
      return false;
    }
    const left = this.#at + REFRESH_MS - performance.now();
    if (left > 0 && !urgent) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#schedule();
      }, left);
      return false;
    }
    this.#version = version;
    this.#at = performance.now();
    return true;
  }
}
