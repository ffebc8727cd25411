// Fills a FakeServer with processes like those of a build machine.
'use strict';

const COMMANDS = [
  ['cargo', 'test', '--workspace'],
  ['make', '-j8', 'all'],
  ['python3', '-m', 'pytest', '-q', 'tests/unit'],
  ['ffmpeg', '-i', 'input.mov', '-c:v', 'libx264', 'out.mp4'],
  ['rsync', '-a', 'build/', 'mirror:/srv/www/'],
  ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 1; done'],
  ['node', 'server.js', '--port=8080'],
  ['pg_dump', '--format=custom', 'orders'],
  ['go', 'vet', './...'],
  ['npm', 'run', 'build', '--', '--prod'],
  ['curl', '-fsS', 'https://example.org/health'],
  ['/opt/jobs/reindex', '--shard=12', '--since', '2 days ago'],
  ['bazel', 'build', '//server:all', '--config=release'],
  ['tar', '-cf', 'backup.tar', '/var/lib/data'],
];
const LABELS = [
  {app: 'ci', branch: 'main'},
  {app: 'ci', branch: 'fix/timeouts', pr: '418'},
  {app: 'nightly'},
  {},
  {app: 'media', tier: 'batch', owner: 'video'},
  {app: 'web', env: 'staging'},
];

// Returns the same sequence for the same seed, so that two runs show the same page.
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

function endOf(value, unix = 'uid 1000 (unix)') {
  if (value < 0.86) {
    return {exit_code: 0};
  }
  if (value < 0.93) {
    return {exit_code: 1 + (Math.floor(value * 1000) % 3)};
  }
  const signalled = (signal, name, cause, by = '') => ({
    signal,
    signal_name: name,
    cause: `EXIT_CAUSE_${cause}`,
    requested_by: by,
  });
  if (value < 0.95) {
    return signalled(15, 'SIGTERM', 'CLIENT_SIGNAL', unix);
  }
  if (value < 0.97) {
    return signalled(9, 'SIGKILL', 'OOM_KILLED');
  }
  if (value < 0.985) {
    return signalled(15, 'SIGTERM', 'RUN_TIMEOUT');
  }
  return value < 0.995
    ? signalled(11, 'SIGSEGV', 'SELF')
    : {unknown: {reason: 'SERVER_LOST'}, cause: 'EXIT_CAUSE_UNSPECIFIED'};
}

// Adds `count` processes of the last `minutes`. Some of them still run.
function populate(server, count, minutes = 12) {
  const next = random(7);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const sessions = [
    server.session,
    server.openSession({
      labels: {team: 'build'},
      lease: '60s',
      watcher: 'pidfd',
      lease_expires_at: new Date(Date.now() + 48_000).toISOString(),
      on_lease_expiry: 'LEASE_EXPIRY_KILL',
    }),
    server.openSession({
      labels: {team: 'media', tier: 'batch'},
      policy: 'proactor',
      watcher: 'uring',
    }),
    server.openSession({
      labels: {agent: 'runner-12'},
      lease: '15s',
      watcher: 'threaded',
      lease_expires_at: new Date(Date.now() + 8_000).toISOString(),
    }),
  ];
  const now = Date.now();
  for (let index = 0; index < count; index++) {
    const started = now - minutes * 60_000 * (1 - index / count) - 500;
    const id = server.start(pick(COMMANDS), {
      labels: pick(LABELS),
      session: pick(sessions),
      at: started,
    });
    const ended = started + 4 * 10 ** (1 + next() * 4);
    if (ended < now && next() < 0.985) {
      server.finish(id, endOf(next()), ended);
    }
  }
}

// Starts `perSecond` processes a second, and ends each some time later.
function liveOn(server, perSecond) {
  const next = random(11);
  const pick = (list) => list[Math.floor(next() * list.length)];
  return setInterval(() => {
    const id = server.start(pick(COMMANDS), {labels: pick(LABELS)});
    server.write(id, '\u001b[1;32m   Compiling\u001b[0m proctor v0.1.0\n');
    const talk = setInterval(
      () =>
        server.write(
          id,
          `step ${Math.floor(next() * 1000)}\n`,
          next() < 0.2 ? 'STREAM_STDERR' : 'STREAM_STDOUT',
        ),
      400,
    );
    setTimeout(
      () => {
        clearInterval(talk);
        server.finish(id, endOf(next()));
      },
      4 * 10 ** (1 + next() * 3),
    );
  }, 1000 / perSecond);
}

module.exports = {liveOn, populate};
