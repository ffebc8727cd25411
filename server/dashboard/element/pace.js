// Keeps a view from drawing more often than a reader can follow.

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

  // Returns whether to draw `version` now. If it is too early, asks for a frame later.
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
