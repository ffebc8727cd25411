// What running processes use now: asked for once a second at most, and only while somebody looks
// at something that runs.
import {parseDuration} from '../value/format.js';
import {login} from '../wire/login.js';

const PAGE_SIZE = 1000;

export class Usage {
  #changed;
  // By process id: {clock, cpuTime, cpu, memory, limit, tasks, source}; times in milliseconds,
  // `cpu` in percent of one processor, null until there are two samples.
  #known = new Map();
  #asking = false;
  // A server from before there was such a resource.
  #absent = false;

  // `changed` is told of each answer.
  constructor(changed) {
    this.#changed = changed;
  }

  of(id) {
    return this.#known.get(id) ?? null;
  }

  // Another server may know what the last one did not.
  reset() {
    this.#absent = false;
  }

  // Asks for those of `query`, a list of [name, value]; null where nothing that runs is shown.
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

  // All pages of the answer; null where it is refused.
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

// Of the time between two samples. One that is asked for twice says what it said.
function percent(last, clock, cpuTime) {
  if (last === null) {
    return null;
  }
  if (clock <= last.clock) {
    return last.cpu;
  }
  // It falls where a descendant that was counted is gone.
  return Math.max(0, (100 * (cpuTime - last.cpuTime)) / (clock - last.clock));
}

export function percentWords(cpu) {
  if (cpu === null) {
    return '–';
  }
  return `${cpu.toFixed(cpu < 10 ? 1 : 0)} %`;
}
