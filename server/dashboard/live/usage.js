// What running processes use now. It asks at most once a second, and only while the page shows a
// running process.
import {parseDuration} from '../value/format.js';
import {login} from '../wire/login.js';

const PAGE_SIZE = 1000;

export class Usage {
  #changed;
  // By process id: {clock, cpuTime, cpu, memory, limit, tasks, source}. Times are in milliseconds.
  // `cpu` is in percent of one processor, and null until there are two samples.
  #known = new Map();
  #asking = false;
  // An older server does not have this resource.
  #absent = false;

  // Calls `changed` after each answer.
  constructor(changed) {
    this.#changed = changed;
  }

  of(id) {
    return this.#known.get(id) ?? null;
  }

  // Another server may have the resource.
  reset() {
    this.#absent = false;
  }

  // Asks for the processes of `query`, a list of [name, value]. It is null if no running process is
  // shown.
  async poll(query) {
    if (query === null || this.#asking || this.#absent || document.hidden) {
      return;
    }
    this.#asking = true;
    try {
      const usages = await this.#ask(query);
      if (usages !== null) {
        this.#take(usages);
      }
    } catch {
      // The next turn asks again.
    } finally {
      this.#asking = false;
    }
  }

  // Returns all pages of the answer, or null if the server refuses.
  async #ask(query) {
    const usages = [];
    for (let token = ''; ;) {
      const page = [...query, ['page_size', PAGE_SIZE], ...(token ? [['page_token', token]] : [])];
      const response = await login.fetch(`/v1/usage?${new URLSearchParams(page)}`);
      const body = await response.json();
      if (!response.ok) {
        this.#absent = body.error?.reason === 'NO_SUCH_PATH';
        return null;
      }
      usages.push(...(body.usages ?? []));
      token = body.next_page_token ?? '';
      if (token === '') {
        return usages;
      }
    }
  }

  #take(usages) {
    const before = this.#known;
    this.#known = new Map();
    for (const usage of usages) {
      const last = before.get(usage.process_id) ?? null;
      const clock = parseDuration(usage.clock);
      const cpuTime = parseDuration(usage.cpu_time) ?? 0;
      this.#known.set(usage.process_id, {
        clock,
        cpuTime,
        cpu: percent(last, clock, cpuTime),
        memory: Number(usage.memory_bytes ?? 0),
        limit: Number(usage.memory_limit_bytes ?? 0),
        tasks: Number(usage.tasks ?? 0),
        source: usage.source ?? '',
      });
    }
    this.#changed();
  }
}

// The use between two samples. If the clock stood still, the last value holds.
function percent(last, clock, cpuTime) {
  if (last === null) {
    return null;
  }
  if (clock <= last.clock) {
    return last.cpu;
  }
  // The time falls when a counted descendant is gone.
  return Math.max(0, (100 * (cpuTime - last.cpuTime)) / (clock - last.clock));
}

export function percentWords(cpu) {
  if (cpu === null) {
    return '–';
  }
  return `${cpu.toFixed(cpu < 10 ? 1 : 0)} %`;
}
