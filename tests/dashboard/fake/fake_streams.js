// The streams of a FakeServer: of events and of output.
'use strict';

const {reply} = require('./fake_reply');
const {stamp} = require('./fake_world');

const STREAMS = ['STREAM_STDOUT', 'STREAM_STDERR'];

class FakeStreams {
  #world;
  #watchers = new Set();
  #readers = new Set();

  // Sends what happens in `world`, a FakeServer. Its fields say how to behave.
  constructor(world) {
    this.#world = world;
    world.told = {
      onEvent: (event) => this.#watchers.forEach((watcher) => send(watcher, event)),
      onOutput: (id, chunk) => this.#tellReaders(id, outputFrame(chunk, world.offsets(id))),
      onDrained: ({process_id: id, drained}) => {
        this.#tellReaders(id, frame('drained', drained) + frame('end', {}));
        this.#endReaders(id);
      },
    };
  }

  // Resolves once at most so many streams of output are open.
  async readersLeft(most) {
    while (this.#readers.size > most) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.#readers.size;
  }

  // Ends all streams of events, as a server that shuts down.
  end() {
    const error = {
      code: 'UNAVAILABLE',
      reason: 'SERVER_DRAINING',
      message: 'the server shut down',
      metadata: {},
    };
    this.#watchers.forEach(({response}) => response.end(frame('end', {error})));
  }

  // Sends the newest event again.
  repeatLast() {
    this.#watchers.forEach((watcher) => send(watcher, this.#world.events.at(-1)));
  }

  heartbeat() {
    if (this.#world.beats) {
      const beat = frame('heartbeat', {time: stamp(Date.now())});
      this.#watchers.forEach(({response}) => response.write(beat));
      this.#readers.forEach(({response}) => response.write(beat));
    }
  }

  // Answers a request for events.
  watch(url, request, response) {
    const world = this.#world;
    if (world.refuseStreams) {
      return reply(response, 503, {
        error: {code: 'UNAVAILABLE', reason: 'BUSY', message: 'busy', metadata: {}},
      });
    }
    const query = url.searchParams;
    const resumed = request.headers['last-event-id'] ?? query.get('after');
    world.streams.push({query: url.search, lastEventId: request.headers['last-event-id'] ?? null});
    openStream(response);
    if (world.mute) {
      return;
    }
    const watcher = {
      response,
      types: query.getAll('type').map((type) => `EVENT_TYPE_${type}`),
      process: query.get('process_id'),
    };
    let position = world.last;
    if (resumed) {
      const [log, sequence] = resumed.split(':');
      position = Number(sequence);
      const error = this.#refusal(log, position);
      if (error) {
        response.end(
          frame(error.kind, {
            error: {
              ...error,
              metadata: {first: String(world.first), last: String(world.last), log_id: world.logId},
            },
          }),
        );
        return;
      }
    } else if (query.get('snapshot') === 'true') {
      const sessions = [...world.sessions.values()].map((session) => ({session}));
      response.write(frame('snapshot', {items: sessions}));
      const processes = [...world.processes.values()].map((process) => ({process}));
      if (world.breakSnapshotAfter > 0) {
        const items = processes.slice(0, world.breakSnapshotAfter);
        response.write(frame('snapshot', {items}));
        world.breakSnapshotAfter = 0;
        return;
      }
      for (let first = 0; first < processes.length; first += 256) {
        response.write(frame('snapshot', {items: processes.slice(first, first + 256)}));
      }
      position = Math.max(world.first - 1, world.last - world.snapshotLead);
    }
    response.write(
      frame(
        'bookmark',
        {position: {log_id: world.logId, sequence: String(position)}},
        `${world.logId}:${position}`,
      ),
    );
    for (const event of world.events) {
      if (Number(event.sequence) > position) {
        send(watcher, event);
      }
    }
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }

  // Answers a request for output.
  async read(id, url, request, response) {
    const world = this.#world;
    if (world.outputRefusals.length > 0) {
      const error = {code: 'UNAVAILABLE', reason: 'BUSY', message: 'not now', metadata: {}};
      return reply(response, world.outputRefusals.shift(), {error});
    }
    await world.outputHeld;
    return this.#readNow(id, url, request, response);
  }

  #tellReaders(id, text) {
    for (const reader of this.#readers) {
      if (reader.id === id) {
        reader.response.write(text);
      }
    }
  }

  #endReaders(id) {
    for (const reader of this.#readers) {
      if (reader.id === id) {
        reader.response.end();
      }
    }
  }

  #refusal(log, position) {
    const world = this.#world;
    if (log !== world.logId) {
      return {kind: 'log_changed', code: 'ABORTED', reason: 'LOG_CHANGED', message: 'another log'};
    }
    if (position > world.last) {
      return {
        kind: 'future',
        code: 'INVALID_ARGUMENT',
        reason: 'POSITION_IN_FUTURE',
        message: 'not reached',
      };
    }
    if (position < world.first - 1) {
      return {kind: 'expired', code: 'OUT_OF_RANGE', reason: 'EVENTS_EXPIRED', message: 'not kept'};
    }
    return null;
  }

  #readNow(id, url, request, response) {
    const world = this.#world;
    openStream(response);
    const process = world.processes.get(id);
    const session = process && world.sessions.get(process.session_id);
    if (!process || session.state === 'SESSION_STATE_CLOSED') {
      const message = process ? `the session of process '${id}' is closed` : `no process '${id}'`;
      response.end(
        frame('error', {
          error: {code: 'NOT_FOUND', reason: 'PROCESS_NOT_FOUND', message, metadata: {}},
        }),
      );
      return;
    }
    const query = url.searchParams;
    const after =
      request.headers['last-event-id'] ??
      `${query.get('stdout_offset') ?? 0}:${query.get('stderr_offset') ?? 0}`;
    const from = Object.fromEntries(
      after.split(':').map((offset, index) => [STREAMS[index], Number(offset)]),
    );
    response.write(frame('started', {process}));
    for (const stream of STREAMS) {
      const dropped = world.dropped(id, stream);
      if (query.has('tail_bytes')) {
        from[stream] = Math.max(dropped, world.total(id, stream) - Number(query.get('tail_bytes')));
      } else if (from[stream] < dropped) {
        response.write(frame('gap', {stream, from: String(from[stream]), to: String(dropped)}));
        from[stream] = dropped;
      }
    }
    const read = {STREAM_STDOUT: 0, STREAM_STDERR: 0};
    for (const chunk of world.outputs.get(id)) {
      const {stream, offset, data} = chunk;
      read[stream] += data.length;
      const skipped = Math.max(0, from[stream] - offset);
      if (skipped < data.length) {
        const rest = {...chunk, offset: offset + skipped, data: data.subarray(skipped)};
        response.write(outputFrame(rest, `${read.STREAM_STDOUT}:${read.STREAM_STDERR}`));
      }
    }
    if (process.exit_status) {
      response.write(frame('exited', {exit_status: process.exit_status}));
    }
    if (process.drained || query.get('follow') === 'false') {
      response.end((process.drained ? frame('drained', process.drained) : '') + frame('end', {}));
      return;
    }
    const reader = {id, response};
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
  }
}

function frame(name, data, id) {
  return `${name ? `event: ${name}\n` : ''}${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
}

function outputFrame({stream, offset, data, gap}, id) {
  return gap
    ? frame('gap', {stream, from: String(offset), to: String(offset + data.length)}, id)
    : frame(
        'output',
        {stream, offset: String(offset), time: stamp(Date.now()), data: data.toString('base64')},
        id,
      );
}

function send({response, types, process}, event) {
  if (
    (types.length === 0 || types.includes(event.type)) &&
    (!process || process === event.process_id)
  ) {
    response.write(frame('', event, `${event.log_id}:${event.sequence}`));
  }
}

function openStream(response) {
  response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
  response.write('retry: 1000\n\n');
}

module.exports = {FakeStreams};
