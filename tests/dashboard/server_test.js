// The dashboard of a real proctord, with processes that proctor starts.
'use strict';

const assert = require('node:assert');
const {execFile} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const {after, before, test} = require('node:test');
const {promisify} = require('node:util');
const {close, launch, open, waitForSequence, waitForState} = require('./browser');
const {Proctord} = require('./proctord');

const TIMEOUT_MS = 30_000;
const DASHBOARD = path.resolve(__dirname, '../../server/dashboard');
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const DESKTOP = {viewport: {width: 1440, height: 900}};
const PHONE = {viewport: {width: 390, height: 844}, deviceScaleFactor: 2, hasTouch: true};

let browser;
let daemon;
let directory;
let server;

const run = promisify(execFile);
const proctor = (...args) => daemon.proctor(...args);
const start = (port) => daemon.start(port);

before(
  async () => {
    daemon = new Proctord();
    ({directory} = daemon);
    server = await start();
    browser = await launch();
  },
  {timeout: TIMEOUT_MS},
);

after(
  async () => {
    await browser?.close();
    await server?.kill('SIGTERM'); // takes its processes along
    daemon.remove();
  },
  {timeout: TIMEOUT_MS},
);

const events = async () =>
  (await proctor('events', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
// Returns a link that works once. The first test uses the link in the log.
const link = () => daemon.link();

test('lets in whoever has a link, once, and nobody else', async () => {
  const {origin} = new URL(server.url);
  const stranger = await open(browser, origin);
  await stranger.waitForSelector('#signed-out[open] pre:has-text("proctor dashboard")');
  await close(stranger);
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  assert.equal(page.url(), `${origin}/#/`);
  const late = await open(browser, server.url);
  await late.waitForSelector('#signed-out[open] .refusal:has-text("this link was used already")');
  await close(late);
  await close(page);
});

// Asks for exactly this path, which fetch() would tidy up first.
async function getRaw(target) {
  const asked = http.get({host: '127.0.0.1', port: server.port, path: target});
  const [answer] = await once(asked, 'response');
  const body = Buffer.concat(await answer.toArray());
  return {status: answer.statusCode, type: answer.headers['content-type'], body};
}

test('serves each file of the page below its folder, and nothing else', async () => {
  const names = fs
    .readdirSync(DASHBOARD, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(DASHBOARD, path.join(entry.parentPath ?? entry.path, entry.name)),
    );
  assert.ok(names.includes('app.js') && names.includes('live/store.js'), String(names));
  for (const name of names) {
    const {status, type, body} = await getRaw(`/${name}`);
    assert.deepEqual([status, type], [200, TYPES[path.extname(name)]], name);
    assert.ok(body.equals(fs.readFileSync(path.join(DASHBOARD, name))), name);
  }
  const others = [
    ...['/live', '/live/', '/live/app.js', '/store.js', '//live/store.js', '/live//store.js'],
    ...['/live/../app.js', '/live/%2e%2e/app.js', '/./app.js', '/../dashboard/app.js'],
    ...['/../CMakeLists.txt', '/live/../../CMakeLists.txt', '/%2e%2e%2fCMakeLists.txt'],
    ...['/..%5cCMakeLists.txt', '/etc/passwd', '//etc/passwd', '/live/../../../../etc/passwd'],
  ];
  for (const target of others) {
    assert.equal((await getRaw(target)).status, 401, target);
  }
});

test('has a cookie that opens nothing, and sends it to whoever has another port', async () => {
  const page = await open(browser, await link());
  await waitForState(page, 'live');
  const [cookie] = await page.context().cookies(server.url);
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Strict');
  // A page on another port of this host gets the cookie and uses it.
  let stolen = '';
  const thief = http.createServer((request, response) => {
    stolen = request.headers.cookie ?? '';
    response.writeHead(200, {'Content-Type': 'text/html'});
    response.end('<!doctype html><link rel="icon" href="data:,">');
  });
  thief.listen(0, '127.0.0.1');
  await once(thief, 'listening');
  const trap = await page.context().newPage();
  await trap.goto(`http://127.0.0.1:${thief.address().port}/`);
  assert.equal(await trap.evaluate(() => JSON.stringify(sessionStorage)), '{}');
  await trap.close();
  thief.close();
  assert.ok(stolen.includes(`${cookie.name}=${cookie.value}`));
  const answer = await fetch(`${new URL(server.url).origin}/v1/server`, {
    headers: {cookie: stolen},
  });
  assert.equal(answer.status, 401);
  await close(page);
});

test('has a cookie that stays on TLS, behind a proxy that ends it', async () => {
  const [key, cert] = ['key', 'cert'].map((name) => path.join(directory, `proxy.${name}`));
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', '/CN=localhost', '-days', '1', '-keyout', key, '-out', cert],
  ]);
  const files = {key: fs.readFileSync(key), cert: fs.readFileSync(cert)};
  const proxy = https.createServer(files, ({method, url, headers}, response) => {
    const asked = http.request({port: server.port, host: '127.0.0.1', method, path: url, headers});
    asked.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    response.on('close', () => asked.destroy());
    asked.end();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const at = `https://localhost:${proxy.address().port}`;
  const page = await open(browser, (await proctor('dashboard', '--at', at)).trim(), {
    ignoreHTTPSErrors: true,
  });
  await waitForState(page, 'live');
  const [cookie] = await page.context().cookies(at);
  assert.equal(cookie.secure, true);
  await close(page);
  proxy.closeAllConnections();
  proxy.close();
});

test('signs out, with the stream that is open', async () => {
  const page = await open(browser, await link());
  await waitForState(page, 'live');
  const proof = await page.evaluate(() => sessionStorage.getItem('proctor-proof'));
  const [{name, value}] = await page.context().cookies(server.url);
  const {origin} = new URL(server.url);
  const headers = {cookie: `${name}=${value}`, 'Proctor-Proof': proof};
  const stream = await fetch(`${origin}/v1/events`, {headers});
  assert.equal(stream.status, 200);
  await page.click('#sign-out');
  await page.waitForSelector('#signed-out[open]');
  assert.deepEqual(await page.context().cookies(server.url), []);
  assert.equal((await fetch(`${origin}/v1/server`, {headers})).status, 401);
  await stream.text(); // to its end
  await close(page);
});

test('shows a process from its start to its end', async () => {
  const page = await open(browser, await link());
  await waitForState(page, 'live');
  const go = path.join(directory, 'go');
  const script = `printf '\\033[32mgreen\\033[0m\\n'; echo problem >&2; for i in $(seq 3000); do [ -e ${go} ] && break; sleep .02; done; echo last; exit 3`;
  const id = (
    await proctor('run', '-d', '--label', 'suite=dashboard', '--', 'sh', '-c', script)
  ).trim();
  const row = await page.waitForSelector(`#processes [data-id="${id}"]`);
  assert.match(await row.textContent(), /running.*suite.*dashboard/);
  await page.click(`#processes [data-id="${id}"] a`);
  await page.waitForSelector('#process .line span.fg-2:has-text("green")');
  await page.waitForSelector('#process .line.stderr:has-text("problem")');
  await page.waitForSelector('#process .phase[data-state=live]');
  fs.writeFileSync(go, '');
  await page.waitForSelector('#process .badge.failed:has-text("exit 3")');
  await page.waitForSelector('#process .line:has-text("last")');
  await page.waitForSelector('#process .ending:has-text("every stream reached its end of file")');
  assert.match(await page.textContent('#process .sentence'), /It exited with code 3 after/);
  assert.match(await page.textContent('#process .usage'), /CPU.*max RSS.*stdout/);
  await close(page);
});

test('says who ended a process', async () => {
  const page = await open(browser, await link());
  await waitForState(page, 'live');
  const id = (await proctor('run', '-d', '--', 'sleep', '1000')).trim();
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await proctor('kill', '-s', 'TERM', id);
  await page.waitForSelector(`#exits [data-id="${id}"] .badge.asked:has-text("SIGTERM")`);
  assert.match(await page.textContent(`#exits [data-id="${id}"]`), /signalled by a client/);
  await page.click(`#exits [data-id="${id}"] a`);
  await page.waitForSelector('#process .timeline li.signalled:has-text("SIGTERM")');
  await close(page);
});

test('recovers by itself when the server is killed, without losing or doubling an event', async () => {
  const page = await open(browser, await link());
  await waitForState(page, 'live');
  const {from} = await page.evaluate(() => ({from: proctor.store.position.sequence + 1}));
  for (let index = 0; index < 5; index++) {
    await proctor('run', '--', 'true');
  }
  const lost = (await proctor('run', '-d', '--', 'sleep', '1000')).trim();
  const {sequence: last} = (await events()).at(-1);
  await waitForSequence(page, Number(last));
  const {pid} = JSON.parse(await proctor('inspect', '--json', lost));
  await server.kill('SIGKILL');
  process.kill(pid, 'SIGKILL'); // which nobody else would end
  await waitForState(page, 'reconnecting');
  server = await start(server.port);
  // The next run has no logins. A link that is opened in another tab lets this page go on, too.
  await waitForState(page, 'signed_out');
  const beside = await page.context().newPage();
  await beside.goto(await link());
  await waitForState(page, 'live');
  for (let index = 0; index < 5; index++) {
    await proctor('run', '--', 'false');
  }
  const recorded = (await events())
    .map(({log_id: logId, sequence}) => `${logId}:${sequence}`)
    .filter((token) => Number(token.split(':')[1]) >= from);
  await waitForSequence(page, Number(recorded.at(-1).split(':')[1]));
  const seen = await page.evaluate(() =>
    proctor.store.applied.flatMap(({logId, from: first, to}) =>
      Array.from({length: to - first + 1}, (_, index) => `${logId}:${first + index}`),
    ),
  );
  assert.deepEqual(seen, recorded);
  assert.match(await page.textContent('#notice'), /restarted\. No event was missed/);
  await page.waitForSelector(`#exits [data-id="${lost}"] .badge.unknown`);
  await page.goto(`${new URL(server.url).origin}/#/processes/${lost}`);
  await page.waitForSelector(
    '#process .sentence:has-text("the server was lost while the process ran")',
  );
  await page.waitForSelector('#process .ending');
  await close(page);
});

test(
  'looks as it should',
  {skip: process.env.SCREENSHOTS ? false : 'SCREENSHOTS names no directory'},
  async () => {
    fs.mkdirSync(process.env.SCREENSHOTS, {recursive: true});
    await proctor('session', 'create', '--lease', '10m', '--label', 'team=build');
    const commands = [
      ['true'],
      ['false'],
      ['sh', '-c', 'kill -SEGV $$'],
      ['sleep', '0.3'],
      ['ls', '-l', '/etc/passwd'],
    ];
    await Promise.all(
      Array.from({length: 60}, (_, index) =>
        proctor(
          'run',
          '--label',
          `app=${['ci', 'web', 'nightly'][index % 3]}`,
          '--',
          ...commands[index % commands.length],
        ),
      ),
    );
    const id = (
      await proctor(
        'run',
        '-d',
        '--label',
        'app=web',
        '--timeout',
        '1h',
        '--',
        'sh',
        '-c',
        `for c in 31 32 33 34 35 36; do printf "\\033[1;\${c}mcolour $c\\033[0m of a terminal\\n"; done; echo warning >&2; sleep 1000`,
      )
    ).trim();
    for (const [device, size] of [
      ['desktop', DESKTOP],
      ['phone', PHONE],
    ]) {
      for (const colorScheme of ['dark', 'light']) {
        const page = await open(browser, await link(), {...size, colorScheme});
        await waitForState(page, 'live');
        await page.waitForSelector(`#processes [data-id="${id}"]`);
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/overview-${device}-${colorScheme}.png`,
        });
        await page.goto(`${new URL(server.url).origin}/#/processes/${id}`);
        await page.waitForSelector('#process .line.stderr');
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/process-${device}-${colorScheme}.png`,
        });
        await close(page);
      }
    }
  },
);
