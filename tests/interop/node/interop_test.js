// A Node.js client, with the published contract loaded at run time, against
// proctord.
'use strict';

const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {after, before, test} = require('node:test');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const TIMEOUT_MS = 30_000;
const contract = ['process', 'event'].map((name) => `proctor/v1/${name}_service.proto`);
const {proctor} = grpc.loadPackageDefinition(protoLoader.loadSync(contract, {
  includeDirs: [process.env.PROTO],
  defaults: true,
  keepCase: true,
  longs: Number,
  enums: String,
  oneofs: true,
}));

let directory;
let server;
let exited;
let processes;
let events;

const deadline = () => ({deadline: Date.now() + TIMEOUT_MS});

// One unary call, as a promise.
function call(client, method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, deadline(), (error, response) => {
      if (error) {
        reject(error);
      } else {
        resolve(response);
      }
    });
  });
}

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'proctor-'));
  const target = `unix:${directory}/proctord.sock`;
  server = spawn(process.env.PROCTORD, [`--listen=${target}`, '--state-dir=none', '--ready-fd=3'],
      {stdio: ['ignore', 'inherit', 'inherit', 'pipe']});
  exited = once(server, 'exit');
  const [line] = await Promise.race([once(server.stdio[3], 'data'), exited]);
  assert.equal(String(line), 'READY\n', 'proctord ended before it was ready');
  processes = new proctor.v1.ProcessService(target, grpc.credentials.createInsecure());
  events = new proctor.v1.EventService(target, grpc.credentials.createInsecure());
}, {timeout: TIMEOUT_MS});

after(async () => {
  processes?.close();
  events?.close();
  server.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null], 'how proctord ended after SIGTERM');
  fs.rmSync(directory, {recursive: true});
}, {timeout: TIMEOUT_MS});

test('run feeds stdin and delivers both streams and the exit code', async () => {
  const stream = processes.RunProcess(deadline());
  stream.write({
    start: {
      spec: {
        argv: ['sh', '-c', 'cat; echo complaint >&2; exit 3'],
        stdin_mode: 'STDIO_MODE_PIPE',
      },
    },
  });
  const kinds = [];
  const output = {STREAM_STDOUT: Buffer.alloc(0), STREAM_STDERR: Buffer.alloc(0)};
  let status;
  let drained;
  for await (const {message} of stream) {
    const kind = message.message;
    if (kind === 'heartbeat' || kind === 'stdin_ack') continue;
    kinds.push(kind);
    if (kind === 'started') {
      stream.write({input: {stdin: {data: Buffer.from('one\n')}}});
      stream.write({input: {stdin: {data: Buffer.from('two\n')}}});
      stream.end();  // half-close is end of file
    } else if (kind === 'output') {
      const {stream: name, offset, data} = message.output;
      assert.equal(offset, output[name].length);
      output[name] = Buffer.concat([output[name], data]);
    } else if (kind === 'exited') {
      status = message.exited.exit_status;
    } else if (kind === 'output_drained') {
      drained = message.output_drained;
    }
  }
  assert.equal(kinds[0], 'started');
  assert.equal(kinds.at(-1), 'output_drained');
  assert.equal(kinds.filter((kind) => kind === 'stream_eof').length, 2);
  assert.equal(output.STREAM_STDOUT.toString(), 'one\ntwo\n');
  assert.equal(output.STREAM_STDERR.toString(), 'complaint\n');
  assert.equal(status.exit_code, 3);
  assert.equal(status.returncode, 3);
  assert.equal(status.cause, 'EXIT_CAUSE_SELF');
  assert.equal(drained.reason, 'DRAIN_REASON_EOF');
  for (const total of drained.output) {
    assert.equal(total.total_bytes, output[total.stream].length);
  }
});

test('start is seen by wait and by events', async () => {
  const stream = events.WatchEvents({}, deadline());
  const responses = stream[Symbol.asyncIterator]();
  const first = (await responses.next()).value;
  assert.equal(first.message, 'bookmark');

  const started = await call(processes, 'StartProcess', {spec: {argv: ['sh', '-c', 'kill -KILL $$']}});
  const {process_id} = started.process;
  const ended = await call(processes, 'WaitProcess', {process_id, until: 'WAIT_UNTIL_DRAINED'});
  assert.equal(ended.process.state, 'PROCESS_STATE_DRAINED');
  assert.equal(ended.process.exit_status.signal, 9);
  assert.equal(ended.process.exit_status.signal_name, 'SIGKILL');
  assert.equal(ended.process.exit_status.returncode, -9);

  const seen = [];
  let {sequence} = first.bookmark.position;
  while (seen.at(-1) !== 'EVENT_TYPE_OUTPUT_DRAINED') {
    const {value, done} = await responses.next();
    assert.ok(!done, 'the stream of events ended');
    if (value.message !== 'event') continue;
    assert.equal(value.event.sequence, ++sequence);
    if (value.event.process_id === process_id) seen.push(value.event.type);
  }
  stream.on('error', () => {});  // the cancellation that follows
  stream.cancel();
  assert.deepEqual(seen, [
    'EVENT_TYPE_PROCESS_STARTED', 'EVENT_TYPE_PROCESS_EXITED', 'EVENT_TYPE_OUTPUT_DRAINED',
  ]);
});

test('an error names its reason and field', async () => {
  const error = await call(processes, 'StartProcess', {spec: {}}).then(
      () => assert.fail('an empty argv was accepted'), (error) => error);
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT);

  const root = new protobuf.Root();
  root.resolvePath = (_, file) => path.join(process.env.PROTO, file);
  root.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);
  const status = root.lookupType('google.rpc.Status')
      .decode(error.metadata.get('grpc-status-details-bin')[0]);
  assert.equal(status.details.length, 1);
  assert.equal(status.details[0].type_url, 'type.googleapis.com/google.rpc.ErrorInfo');
  const info = root.lookupType('google.rpc.ErrorInfo').decode(status.details[0].value);
  assert.equal(info.domain, 'proctor');
  assert.equal(info.reason, 'INVALID_FIELD');
  assert.equal(info.metadata.field, 'spec.argv');
});
