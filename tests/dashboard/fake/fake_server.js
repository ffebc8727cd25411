// A server that only pretends, for the dashboard's tests and for work on it: the HTTP
// side of proctord with data, bursts, lost connections and errors at will.
//
// For a look at the page: node tests/dashboard/fake/fake_server.js [PORT [PROCESSES [PER_SECOND]]]
'use strict';

const http = require('node:http');
const {answerCall} = require('./fake_calls');
const {serveFile, serveSignIn} = require('./fake_files');
const {refusal, reply} = require('./fake_reply');
const {FakeStreams} = require('./fake_streams');
const {FakeWorld, randomId, stamp} = require('./fake_world');

const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

class FakeServer extends FakeWorld {
  // Tests may set any of these fields.
  // Whether requests are let in.
  authorised = true;
  // The proof that a request has to show. Null takes any.
  proof = null;
  // The codes that sign in. Each works once.
  codes = new Set();
  // Whether heartbeats go out.
  beats = true;
  // The next snapshot breaks off after so many processes, if this is not 0.
  breakSnapshotAfter = 0;
  // Whether streams of events stay silent.
  mute = false;
  // Whether streams of events are refused with 503. No browser retries after that.
  refuseStreams = false;
  // Answers to GET /v1/server wait for this.
  infoHeld = Promise.resolve();
  // Why a login may only look. Empty if it may act.
  whyNot = '';
  // The refusal of each call: [status, code, reason, message]. Null if calls succeed.
  refusal = null;
  // Calls wait for this.
  callsHeld = Promise.resolve();
  // Whether calls take effect, but their connection breaks in place of an answer.
  loseAnswers = false;
  // The calls so far: {id, verb, body, proof}.
  calls = [];
  // The use of processes by id, and the queries for it so far.
  usages = new Map();
  usagesAsked = [];
  // The most usages of one answer.
  usagesPage = 1000;
  // Requests to read output wait for this.
  outputHeld = Promise.resolve();
  // The statuses that refuse the next requests to read output.
  outputRefusals = [];
  // Requests for these paths break off without an answer.
  broken = new Set();
  draining = false;
  // The number of events by which snapshots are newer than their bookmarks.
  snapshotLead = 0;
  instanceId = randomId();
  startedAt = Date.now();
  // The requests for streams of events so far: {query, lastEventId}.
  streams = [];
  #streaming = new FakeStreams(this);
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
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
    this.#beat = setInterval(() => this.#streaming.heartbeat(), this.#heartbeatMs);
  }

  // Stops as a killed server does, without a word.
  async stop() {
    clearInterval(this.#beat);
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  dropConnections() {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  // Refuses connections until admitConnections(), so that the page misses events.
  holdConnections() {
    this.#held = true;
    this.dropConnections();
  }

  admitConnections() {
    this.#held = false;
  }

  // Restarts as after a crash. The event log is kept. Processes that ran end as lost.
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

  // Sends the last bytes again, as no server should.
  repeatOutput(id) {
    this.told.onOutput(id, this.outputs.get(id).at(-1));
  }

  // Ends all streams of events, as a server that shuts down.
  end() {
    this.draining = true;
    this.append({type: 'EVENT_TYPE_SERVER_DRAINING', server_draining: {}});
    this.#streaming.end();
  }

  // Sends the newest event again.
  repeatLast() {
    this.#streaming.repeatLast();
  }

  // Resolves once at most so many streams of output are open.
  readersLeft(most) {
    return this.#streaming.readersLeft(most);
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
        ? serveSignIn(response)
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
      events: () => this.#streaming.watch(url, request, response),
      usage: () => reply(response, 200, this.#usage(url.searchParams)),
      processes: () =>
        member === 'output'
          ? this.#streaming.read(id, url, request, response)
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
