// What happened each second of the last hour: starts, exits, failures, run times.
//
// A ring of seconds. A second is cleared when its slot is written again, so nothing runs while
// nothing happens. Run times are counted in bins of a sixth of an octave: 240 counters a second
// keep a percentile within 6 %, at any rate.

const SECONDS = 3700;
const BINS_PER_OCTAVE = 6;
const BINS = 240;
const SMALLEST_MS = 1 / 16;
// The few exits of two seconds make no percentile.
const PERCENTILE_SECONDS = 10;

function bin(milliseconds) {
  const place = Math.floor(
    Math.log2(Math.max(milliseconds, SMALLEST_MS) / SMALLEST_MS) * BINS_PER_OCTAVE,
  );
  return Math.min(place, BINS - 1);
}

function binMiddle(place) {
  return SMALLEST_MS * 2 ** ((place + 0.5) / BINS_PER_OCTAVE);
}

function percentile(bins, total, share) {
  let below = 0;
  const wanted = Math.max(1, Math.ceil(total * share));
  for (let place = 0; place < BINS; place++) {
    below += bins[place];
    if (below >= wanted) {
      return binMiddle(place);
    }
  }
  return null;
}

export class Series {
  #stamps = new Float64Array(SECONDS).fill(-1);
  #starts = new Uint32Array(SECONDS);
  #exits = new Uint32Array(SECONDS);
  #failures = new Uint32Array(SECONDS);
  #durations = new Uint16Array(SECONDS * BINS);

  addStart(time) {
    const slot = this.#slot(time);
    if (slot >= 0) {
      this.#starts[slot]++;
    }
  }

  addExit(time, duration, failed) {
    const slot = this.#slot(time);
    if (slot < 0) {
      return;
    }
    this.#exits[slot]++;
    this.#failures[slot] += failed ? 1 : 0;
    if (duration !== null) {
      this.#durations[slot * BINS + bin(duration)]++;
    }
  }

  // Sums of the whole seconds in (now - seconds, now].
  totals(now, seconds) {
    return this.#sum(Math.floor(now / 1000) - seconds + 1, seconds);
  }

  // The last `seconds` in steps. Steps stand on multiples of `step`, so a complete point never
  // changes. The open step is left out. `running` is the number of processes now; the past is
  // counted back from it.
  window(now, seconds, step, running) {
    const end = Math.floor(now / 1000 / step) * step;
    const steps = Math.floor(seconds / step);
    const points = {times: [], starts: [], exits: [], failures: [], running: [], p50: [], p99: []};
    let alive = running;
    for (let second = Math.floor(now / 1000); second >= end; second--) {
      const slot = this.#find(second);
      alive += slot < 0 ? 0 : this.#exits[slot] - this.#starts[slot];
    }
    const bins = new Uint32Array(BINS);
    for (let index = steps - 1; index >= 0; index--) {
      const first = end - (steps - index) * step;
      const sums = this.#sum(first, step);
      const span = Math.max(step, PERCENTILE_SECONDS);
      const timed = this.#addUp(first + step - span, span, bins);
      points.times[index] = (first + step) * 1000;
      points.starts[index] = sums.starts / step;
      points.exits[index] = sums.exits / step;
      points.failures[index] = sums.failures;
      points.running[index] = Math.max(0, alive);
      points.p50[index] = timed ? percentile(bins, timed, 0.5) : null;
      points.p99[index] = timed ? percentile(bins, timed, 0.99) : null;
      alive += sums.exits - sums.starts;
    }
    return points;
  }

  #sum(first, seconds) {
    const sums = {starts: 0, exits: 0, failures: 0};
    for (let second = first; second < first + seconds; second++) {
      const slot = this.#find(second);
      if (slot >= 0) {
        sums.starts += this.#starts[slot];
        sums.exits += this.#exits[slot];
        sums.failures += this.#failures[slot];
      }
    }
    return sums;
  }

  // Adds up the bins of these seconds. Returns the number of run times in them.
  #addUp(first, seconds, bins) {
    let timed = 0;
    bins.fill(0);
    for (let second = first; second < first + seconds; second++) {
      const slot = this.#find(second);
      if (slot >= 0 && this.#exits[slot] > 0) {
        for (let place = 0; place < BINS; place++) {
          const found = this.#durations[slot * BINS + place];
          bins[place] += found;
          timed += found;
        }
      }
    }
    return timed;
  }

  #find(second) {
    const slot = second % SECONDS;
    return this.#stamps[slot] === second ? slot : -1;
  }

  #slot(time) {
    if (time === null || Number.isNaN(time)) {
      return -1;
    }
    const second = Math.floor(time / 1000);
    const slot = second % SECONDS;
    if (this.#stamps[slot] > second) {
      return -1;
    }
    if (this.#stamps[slot] < second) {
      this.#stamps[slot] = second;
      this.#starts[slot] = 0;
      this.#exits[slot] = 0;
      this.#failures[slot] = 0;
      this.#durations.fill(0, slot * BINS, (slot + 1) * BINS);
    }
    return slot;
  }
}
