// The calls of a FakeServer that change something. It answers as proctord does.
'use strict';

const OPEN = 'SESSION_STATE_OPEN';
const NUMBERS = {HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12, TERM: 15};
const ENDS = ['HUP', 'INT', 'QUIT', 'KILL', 'TERM'];

class Refusal extends Error {
  constructor(status, code, reason, message) {
    super(message);
    this.status = status;
    this.body = {error: {code, reason, message, metadata: {}}};
  }
}

// Each function takes the world, a process and the request, and returns the response.
const CALLS = {
  stop(world, process, {stop_policy: asked}) {
    if (process.state === 'PROCESS_STATE_RUNNING') {
      // Fields that are left out come from the process's own policy.
      const policy = {...process.spec.stop_policy, ...asked};
      end(world, process.process_id, policy.signal || 'TERM');
    }
    return {process};
  },
  signal(world, process, {signal}) {
    running(process, 'signal');
    world.signal(process.process_id, `SIG${signal}`, 'http login 1a2b3c4d of 127.0.0.1');
    if (ENDS.includes(signal)) {
      end(world, process.process_id, signal);
    }
    return {tree_mechanism: 'TREE_MECHANISM_WALK'};
  },
  restart(world, process, {session_id: wanted, request_id: request}) {
    if (process.state === 'PROCESS_STATE_RUNNING') {
      throw new Refusal(409, 'FAILED_PRECONDITION', 'PROCESS_RUNNING', 'it runs: stop it first');
    }
    const session = world.sessions.get(wanted ?? process.session_id);
    if (session.state !== OPEN) {
      throw new Refusal(409, 'FAILED_PRECONDITION', 'SESSION_CLOSED', 'its session is closed');
    }
    world.restarts ??= new Map();
    const known = world.restarts.get(request);
    const id = known ?? world.start(process.spec.argv, {labels: process.spec.labels, session});
    world.restarts.set(request, id);
    return {process: world.processes.get(id)};
  },
  write(world, process, {data = '', offset, force = false}) {
    running(process, 'write to');
    const {process_id: id} = process;
    if (world.writing.has(id) && !force) {
      throw new Refusal(409, 'FAILED_PRECONDITION', 'STDIN_BUSY', 'another writer holds stdin');
    }
    if (world.unread.has(id)) {
      world.writing.add(id);
      throw new Refusal(504, 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'it does not read');
    }
    world.writing.delete(id);
    const bytes = Buffer.from(data, 'base64');
    const input = world.inputs.get(id) ?? Buffer.alloc(0);
    if (offset !== undefined && Number(offset) > input.length) {
      throw new Refusal(410, 'OUT_OF_RANGE', 'OFFSET_OUT_OF_RANGE', `stdin is at ${input.length}`);
    }
    const fresh = bytes.subarray(input.length - Number(offset ?? input.length));
    world.inputs.set(id, Buffer.concat([input, fresh]));
    world.told.onInput?.(id, fresh);
    return {stdin_bytes: String(input.length + fresh.length)};
  },
  resize(world, process, {size}) {
    running(process, 'resize the terminal of');
    world.sizes.push({id: process.process_id, ...size});
    return {};
  },
  remove(world, process) {
    if (process.state === 'PROCESS_STATE_RUNNING') {
      throw new Refusal(409, 'FAILED_PRECONDITION', 'PROCESS_RUNNING', 'it runs');
    }
    world.remove(process.process_id);
    return {};
  },
};

function running({process_id: id, state}, what) {
  if (state !== 'PROCESS_STATE_RUNNING') {
    throw new Refusal(404, 'NOT_FOUND', 'PROCESS_EXITED', `${what} process '${id}': it has ended`);
  }
}

function end(world, id, signal) {
  world.finish(id, {
    signal: NUMBERS[signal],
    signal_name: `SIG${signal}`,
    cause: 'EXIT_CAUSE_CLIENT_SIGNAL',
    requested_by: 'http login 1a2b3c4d of 127.0.0.1',
  });
}

// Answers a POST to /v1/processes/ID:VERB. Resolves with {status, body}.
async function answerCall(server, request, target) {
  let text = '';
  for await (const piece of request) {
    text += piece;
  }
  const [id, verb] = target.split(':');
  try {
    const {headers} = request;
    if (headers['content-type'] !== 'application/json') {
      throw new Refusal(415, 'INVALID_ARGUMENT', 'NOT_JSON', 'not JSON');
    }
    if (headers.origin !== new URL(server.url).origin) {
      throw new Refusal(403, 'PERMISSION_DENIED', 'ORIGIN_NOT_ALLOWED', 'another origin');
    }
    if (server.whyNot !== '') {
      throw new Refusal(403, 'PERMISSION_DENIED', 'MAY_ONLY_LOOK', server.whyNot);
    }
    const body = JSON.parse(text || '{}');
    server.calls.push({id, verb, body, proof: headers['proctor-proof'] ?? null});
    await server.callsHeld;
    if (server.refusal !== null) {
      throw new Refusal(...server.refusal);
    }
    const process = server.processes.get(id);
    if (!process) {
      throw new Refusal(404, 'NOT_FOUND', 'PROCESS_NOT_FOUND', `no process '${id}'`);
    }
    return {status: 200, body: CALLS[verb](server, process, body)};
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    return {status: error.status, body: error.body};
  }
}

module.exports = {answerCall};
