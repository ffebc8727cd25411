// A server that only pretends, for the dashboard's tests and for work on it: the HTTP
// side of proctord with data, bursts, lost connections and errors at will.
//
// For a look at the page: node tests/dashboard/fake_server.js [PORT [PROCESSES [PER_SECOND]]]
'use strict';

const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const {answerCall} = require('./fake_calls');
const {FakeWorld, randomId, stamp} = require('./fake_world');

const DASHBOARD = path.resolve(__dirname, '../../server/dashboard');
const XTERM = process.env.PROCTOR_XTERM_DIR ?? '/usr/share/nodejs/xterm/lib';
let xterm = null;
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const STREAMS = ['STREAM_STDOUT', 'STREAM_STDERR'];
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

class FakeServer extends FakeWorld {
  // What a test may turn: whether a request is let in, whether heartbeats go out, whether
  // snapshots are newer than their bookmarks.
  authorised = true;
  // Which proof a request has to show; any, where it is null.
  proof = null;
  // The codes that sign in, each once.
  codes = new Set();
  beats = true;
  // Says no more of a snapshot than so many processes, once.
  breakSnapshotAfter = 0;
  // Takes requests for streams of events and says nothing.
  mute = false;
  // Answers streams of events with 503, after which no browser tries again.
  refuseStreams = false;
  // Says who it is after this.
  infoHeld = Promise.resolve();
  // Why those who are signed in may only look; empty where they may act.
  whyNot = '';
  // What each call is refused with: [status, code, reason, message]; null where none is.
  refusal = null;
  // Calls are answered after this.
  callsHeld = Promise.resolve();
  // Does what a call asks for, and breaks the connection in place of an answer.
  loseAnswers = false;
  // The calls that came: {id, verb, body, proof}.
  calls = [];
  // What processes use, by id, and the queries for it.
  usages = new Map();
  usagesAsked = [];
  // How many of them one answer tells at most.
  usagesPage = 1000;
  // Requests to read output wait for this.
  outputHeld = Promise.resolve();
  // What the next requests to read output are refused with: statuses.
  outputRefusals = [];
  // Requests for files whose paths these are go unanswered.
  broken = new Set();
  draining = false;
  snapshotLead = 0;
  instanceId = randomId();
  startedAt = Date.now();
  // Requests for streams of events, as their URLs and Last-Event-IDs.
  streams = [];
  #watchers = new Set();
  #readers = new Set();
  #server = http.createServer((request, response) => this.#answer(request, response));
  #sockets = new Set();
  #beat;
  #heartbeatMs;
  #held = false;

  constructor({heartbeatMs = 5000} = {}) {
    super();
    this.#heartbeatMs = heartbeatMs;
    this.#server.on('connection', (socket) => {
      if (this.#held) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.told = {
      onEvent: (event) => this.#watchers.forEach((watcher) => send(watcher, event)),
      onOutput: (id, chunk) => this.#tellReaders(id, outputFrame(chunk, this.offsets(id))),
      onDrained: ({process_id: id, drained}) => {
        this.#tellReaders(id, frame('drained', drained) + frame('end', {}));
        this.#endReaders(id);
      },
    };
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
    this.#beat = setInterval(() => this.#heartbeat(), this.#heartbeatMs);
  }

  // As a server that was killed: no word, no answer.
  async stop() {
    clearInterval(this.#beat);
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  dropConnections() {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  // Lets nobody in until admitConnections(), so that what happens meanwhile is missed.
  holdConnections() {
    this.#held = true;
    this.dropConnections();
  }

  admitConnections() {
    this.#held = false;
  }

  // As after a crash, with the log kept: what ran is lost, and said to be.
  async restart() {
    const {port} = this;
    await this.stop();
    this.instanceId = randomId();
    this.startedAt = Date.now();
    for (const process of this.processes.values()) {
      if (process.state === 'PROCESS_STATE_RUNNING') {
        this.exit(process.process_id, {
          unknown: {reason: 'SERVER_LOST'},
          cause: 'EXIT_CAUSE_UNSPECIFIED',
        });
      }
    }
    await this.listen(port);
  }

  // Resolves with the next write to a stdin.
  nextInput() {
    return new Promise((resolve) => {
      this.told.onInput = resolve;
    });
  }

  // Sends the last bytes again, as nobody should.
  repeatOutput(id) {
    this.told.onOutput(id, this.outputs.get(id).at(-1));
  }

  // Resolves once no more than so many streams of output are open.
  async readersLeft(most) {
    while (this.#readers.size > most) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.#readers.size;
  }

  // Ends all streams as a server does that shuts down.
  end() {
    this.draining = true;
    this.append({type: 'EVENT_TYPE_SERVER_DRAINING', server_draining: {}});
    const error = {
      code: 'UNAVAILABLE',
      reason: 'SERVER_DRAINING',
      message: 'the server shut down',
      metadata: {},
    };
    this.#watchers.forEach(({response}) => response.end(frame('end', {error})));
  }

  repeatLast() {
    this.#watchers.forEach((watcher) => send(watcher, this.events.at(-1)));
  }

  #heartbeat() {
    if (this.beats) {
      const beat = frame('heartbeat', {time: stamp(Date.now())});
      this.#watchers.forEach(({response}) => response.write(beat));
      this.#readers.forEach(({response}) => response.write(beat));
    }
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

  #answer(request, response) {
    const url = new URL(request.url, this.url);
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const [, version, resource, id, member] = url.pathname.split('/');
    if (version === 'login') {
      return this.#signIn(request, response);
    }
    if (this.broken.has(url.pathname)) {
      return response.destroy();
    }
    if (version !== 'v1' && version !== 'logout') {
      return serveFile(url.pathname, response);
    }
    const shown = request.headers['proctor-proof'];
    if (!this.authorised || (this.proof !== null && shown !== this.proof)) {
      return (request.headers.accept ?? '').includes('text/html')
        ? reply(response, 401, fs.readFileSync(`${DASHBOARD}/sign_in.html`), TYPES['.html'])
        : reply(response, 401, refusal('TOKEN_REQUIRED', 'you are not signed in'));
    }
    if (version === 'logout') {
      this.proof = randomId();
      return reply(response, 200, {});
    }
    if (request.method === 'POST' && resource === 'processes') {
      return answerCall(this, request, decodeURIComponent(id)).then(({status, body}) =>
        this.loseAnswers ? response.destroy() : reply(response, status, body),
      );
    }
    const routes = {
      login: () =>
        reply(response, 200, {
          may_act: this.whyNot === '',
          ...(this.whyNot && {why_not: this.whyNot}),
        }),
      server: () => this.infoHeld.then(() => reply(response, 200, this.#info())),
      sessions: () =>
        id
          ? this.#session(id, response)
          : reply(response, 200, {sessions: [...this.sessions.values()], next_page_token: ''}),
      events: () => this.#watch(url, request, response),
      usage: () => reply(response, 200, this.#usage(url.searchParams)),
      processes: () =>
        member === 'output'
          ? this.#readLater(id, url, request, response)
          : this.#process(id, response),
    };
    return (routes[resource] ?? (() => reply(response, 404, {})))();
  }

  #signIn(request, response) {
    if (request.method !== 'POST' || !this.codes.delete(request.headers['proctor-code'])) {
      return reply(response, 401, refusal('LOGIN_CODE_INVALID', 'this link was used already'));
    }
    return reply(response, 200, {proof: this.proof});
  }

  #info() {
    const running = [...this.processes.values()].filter(
      ({state}) => state === 'PROCESS_STATE_RUNNING',
    ).length;
    return {
      version: '0.1.0',
      instance_id: this.instanceId,
      started_at: stamp(this.startedAt),
      policy: 'default',
      watcher: 'pidfd',
      draining: this.draining,
      hostname: 'build-07',
      kernel: 'Linux 6.12.9',
      open_sessions: '1',
      running_processes: String(running),
      last_event: {log_id: this.logId, sequence: String(this.last)},
    };
  }

  #usage(query) {
    this.usagesAsked.push(query.toString());
    const ids = query.getAll('process_id');
    const session = query.get('session_id');
    const usages = [...this.processes.values()]
      .filter(
        ({process_id: id, session_id: own, state}) =>
          state === 'PROCESS_STATE_RUNNING' &&
          (ids.length === 0 || ids.includes(id)) &&
          (session === null || session === own),
      )
      .map(({process_id: id}) => ({
        process_id: id,
        clock: '100.5s',
        cpu_time: '0.250s',
        memory_bytes: '1048576',
        tasks: 1,
        source: 'USAGE_SOURCE_TREE',
        ...this.usages.get(id),
      }));
    const from = Number(query.get('page_token') ?? 0);
    const to = from + Math.min(this.usagesPage, Number(query.get('page_size')));
    return {
      usages: usages.slice(from, to),
      time: stamp(Date.now()),
      next_page_token: to < usages.length ? String(to) : '',
    };
  }

  #session(id, response) {
    const session = this.sessions.get(decodeURIComponent(id));
    if (!session) {
      return reply(response, 404, {
        error: {
          code: 'NOT_FOUND',
          reason: 'SESSION_NOT_FOUND',
          message: `no session '${id}'`,
          metadata: {session_id: id},
        },
      });
    }
    return reply(response, 200, {session});
  }

  #process(id, response) {
    const name = decodeURIComponent(id);
    const process =
      this.processes.get(id) ?? [...this.processes.values()].find(({spec}) => spec.name === name);
    if (!process) {
      return reply(response, 404, {
        error: {
          code: 'NOT_FOUND',
          reason: 'PROCESS_NOT_FOUND',
          message: `no process '${id}'`,
          metadata: {process_id: id},
        },
      });
    }
    const {process_id: own} = process;
    const stdin = this.inputs.get(own)?.length ?? 0;
    return reply(response, 200, {
      process: {...process, output: this.totals(own), stdin_bytes: String(stdin)},
    });
  }

  #watch(url, request, response) {
    if (this.refuseStreams) {
      return reply(response, 503, {
        error: {code: 'UNAVAILABLE', reason: 'BUSY', message: 'busy', metadata: {}},
      });
    }
    const query = url.searchParams;
    const resumed = request.headers['last-event-id'] ?? query.get('after');
    this.streams.push({query: url.search, lastEventId: request.headers['last-event-id'] ?? null});
    openStream(response);
    if (this.mute) {
      return;
    }
    const watcher = {
      response,
      types: query.getAll('type').map((type) => `EVENT_TYPE_${type}`),
      process: query.get('process_id'),
    };
    let position = this.last;
    if (resumed) {
      const [log, sequence] = resumed.split(':');
      position = Number(sequence);
      const error = this.#refusal(log, position);
      if (error) {
        response.end(
          frame(error.kind, {
            error: {
              ...error,
              metadata: {first: String(this.first), last: String(this.last), log_id: this.logId},
            },
          }),
        );
        return;
      }
    } else if (query.get('snapshot') === 'true') {
      const sessions = [...this.sessions.values()].map((session) => ({session}));
      response.write(frame('snapshot', {items: sessions}));
      const processes = [...this.processes.values()].map((process) => ({process}));
      if (this.breakSnapshotAfter > 0) {
        const items = processes.slice(0, this.breakSnapshotAfter);
        response.write(frame('snapshot', {items}));
        this.breakSnapshotAfter = 0;
        return;
      }
      for (let first = 0; first < processes.length; first += 256) {
        response.write(frame('snapshot', {items: processes.slice(first, first + 256)}));
      }
      position = Math.max(this.first - 1, this.last - this.snapshotLead);
    }
    response.write(
      frame(
        'bookmark',
        {position: {log_id: this.logId, sequence: String(position)}},
        `${this.logId}:${position}`,
      ),
    );
    for (const event of this.events) {
      if (Number(event.sequence) > position) {
        send(watcher, event);
      }
    }
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }

  #refusal(log, position) {
    if (log !== this.logId) {
      return {kind: 'log_changed', code: 'ABORTED', reason: 'LOG_CHANGED', message: 'another log'};
    }
    if (position > this.last) {
      return {
        kind: 'future',
        code: 'INVALID_ARGUMENT',
        reason: 'POSITION_IN_FUTURE',
        message: 'not reached',
      };
    }
    if (position < this.first - 1) {
      return {kind: 'expired', code: 'OUT_OF_RANGE', reason: 'EVENTS_EXPIRED', message: 'not kept'};
    }
    return null;
  }

  async #readLater(id, url, request, response) {
    if (this.outputRefusals.length > 0) {
      const error = {code: 'UNAVAILABLE', reason: 'BUSY', message: 'not now', metadata: {}};
      return reply(response, this.outputRefusals.shift(), {error});
    }
    await this.outputHeld;
    return this.#read(id, url, request, response);
  }

  #read(id, url, request, response) {
    openStream(response);
    const process = this.processes.get(id);
    const session = process && this.sessions.get(process.session_id);
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
      const dropped = this.dropped(id, stream);
      if (query.has('tail_bytes')) {
        from[stream] = Math.max(dropped, this.total(id, stream) - Number(query.get('tail_bytes')));
      } else if (from[stream] < dropped) {
        response.write(frame('gap', {stream, from: String(from[stream]), to: String(dropped)}));
        from[stream] = dropped;
      }
    }
    const read = {STREAM_STDOUT: 0, STREAM_STDERR: 0};
    for (const chunk of this.outputs.get(id)) {
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

function refusal(reason, message) {
  return {error: {code: 'UNAUTHENTICATED', reason, message, metadata: {}}};
}

function openStream(response) {
  response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
  response.write('retry: 1000\n\n');
}

function reply(response, status, body, type = 'application/json') {
  response.writeHead(status, {'Content-Type': type, 'Cache-Control': 'no-store'});
  response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

// What proctord has of xterm, made as its build makes it.
function serveXterm(name, response) {
  if (name === '/xterm.css') {
    return reply(response, 200, fs.readFileSync(`${XTERM}/xterm.css`), TYPES['.css']);
  }
  if (xterm === null) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'proctor-xterm-'));
    const made = path.join(directory, 'xterm.js');
    const script = path.resolve(DASHBOARD, '../http/bundle_xterm.cmake');
    execFileSync('cmake', [`-DOUTPUT=${made}`, `-DROOT=${XTERM}`, '-P', script]);
    xterm = fs.readFileSync(made);
    fs.rmSync(directory, {recursive: true});
  }
  return reply(response, 200, xterm, TYPES['.js']);
}

function serveFile(name, response) {
  if (name === '/xterm.js' || name === '/xterm.css') {
    return serveXterm(name, response);
  }
  const file = path.join(DASHBOARD, name === '/' ? 'index.html' : path.basename(name));
  if (!fs.existsSync(file)) {
    return reply(response, 404, {});
  }
  response.writeHead(200, {'Content-Type': TYPES[path.extname(file)], 'Cache-Control': 'no-cache'});
  return response.end(fs.readFileSync(file));
}

module.exports = {FakeServer};

if (require.main === module) {
  const {liveOn, populate} = require('./fake_life');
  const [port = 7878, processes = 300, perSecond = 5] = process.argv.slice(2).map(Number);
  const server = new FakeServer();
  populate(server, processes);
  server.listen(port).then(() => {
    console.log(`dashboard url=${server.url}`);
    liveOn(server, perSecond);
  });
}
