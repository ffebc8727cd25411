// Pictures of each view: on a desktop and on a phone, dark and light. SCREENSHOTS names the
// directory for them.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const {after, before, test} = require('node:test');
const {close, launch, open, waitForState} = require('./browser');
const {FakeServer} = require('./fake/fake_server');
const {populate} = require('./fake/fake_life');

const directory = process.env.SCREENSHOTS;
const SCREENS = {
  desktop: {viewport: {width: 1440, height: 900}},
  phone: {viewport: {width: 390, height: 844}, deviceScaleFactor: 2, hasTouch: true},
};
const THEMES = ['dark', 'light'];
const PROMPT = '\u001b[1;32mbuild@build-07\u001b[0m:\u001b[1;34m~/proctor\u001b[0m$ ';

let browser;
let server;
let ids;

before(async () => {
  browser = await launch();
  server = new FakeServer();
  populate(server, 120);
  await server.listen();
  ids = {session: makeSession(), terminal: makeTerminal(), log: makeLog(), unknown: 'nobody'};
  ids.lost = server.start(['pg_dump', 'orders']);
  server.exit(ids.lost, {unknown: {reason: 'SERVER_LOST'}, cause: 'EXIT_CAUSE_UNSPECIFIED'});
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

function makeSession() {
  const session = server.openSession({
    labels: {team: 'build', branch: 'main'},
    lease: '600s',
    lease_expires_at: new Date(Date.now() + 590_000).toISOString(),
    on_lease_expiry: 'LEASE_EXPIRY_KILL',
    quota: {max_running_processes: '20', max_output_bytes: '4194304'},
  });
  for (const [index, program] of ['cargo', 'make', 'pytest', 'ffmpeg'].entries()) {
    const id = server.start([program, '--all'], {session, at: Date.now() - 60_000 * index});
    if (index > 1) {
      server.finish(id, {exit_code: index - 2});
    }
  }
  return session.session_id;
}

function makeTerminal() {
  const id = server.start(['bash', '-i'], {
    labels: {app: 'shell'},
    spec: {pty: {size: {rows: 24, columns: 80}}},
  });
  const files = ['CMakeLists.txt', '\u001b[1;34mcore\u001b[0m', '\u001b[1;32mrun\u001b[0m'];
  server.write(id, `${PROMPT}ls\r\n${files.join('  ')}\r\n${PROMPT}`);
  server.gap(id, 70_000);
  server.write(id, `${PROMPT}echo 'grüße 你好'\r\ngrüße 你好\r\n${PROMPT}`);
  return id;
}

function makeLog() {
  const id = server.start(['make', '-j8', 'all'], {labels: {app: 'ci', branch: 'main'}});
  for (let index = 1; index <= 60; index++) {
    server.write(id, `\u001b[32m[${index}/60]\u001b[0m Building core/process/part_${index}.cc\n`);
    if (index % 20 === 0) {
      server.write(id, `part_${index}.cc:7: warning: unused result\n`, 'STREAM_STDERR');
    }
  }
  return id;
}

// Takes the picture `name` of the page at `hash` after `show`, on every screen.
function picture(name, hash, show) {
  const skip = directory ? false : 'SCREENSHOTS names no directory';
  test(`pictures: ${name}`, {skip}, async () => {
    fs.mkdirSync(directory, {recursive: true});
    for (const [screen, options] of Object.entries(SCREENS)) {
      for (const colorScheme of THEMES) {
        const page = await open(browser, server.url + hash(), {...options, colorScheme});
        await show(page, screen);
        await page.screenshot({path: path.join(directory, `${name}-${screen}-${colorScheme}.png`)});
        await close(page);
      }
    }
  });
}

const ofProcess = (name) => () => `#/processes/${ids[name]}`;
const live = (page) => waitForState(page, 'live');
const lastLine = (page) => page.waitForSelector('#process .line:has-text("[60/60]")');

picture('life', () => '#/', async (page) => {
  await live(page);
  await page.waitForSelector('#processes .row:not([hidden])');
});

for (const panel of ['exits', 'sessions', 'charts']) {
  picture(`life-${panel}`, () => '#/', async (page, screen) => {
    await live(page);
    if (screen === 'phone') {
      await page.click(`.tabs [data-panel=${panel}]`);
    }
  });
}

picture('life-searched', () => '#/', async (page) => {
  await live(page);
  await page.fill('#processes input[type=search]', 'app=ci');
  await page.waitForSelector('#processes .row:not([hidden])');
});

picture('terminal', ofProcess('terminal'), async (page) => {
  await live(page);
  await page.waitForSelector('#process .xterm');
  await page.click('#process .screen');
  await page.waitForSelector('#process .typing:has-text("goes to the process")');
  await page.waitForFunction(() =>
    proctor.page.terminal.screen().some((row) => row.startsWith('grüße')),
  );
});

picture('session', () => `#/sessions/${ids.session}`, async (page) => {
  await live(page);
  await page.waitForSelector('#process .facts-list div');
});

for (const name of ['stop', 'signal', 'restart']) {
  picture(`dialog-${name}`, ofProcess('log'), async (page) => {
    await live(page);
    await lastLine(page);
    await page.click(`#process [data-action=${name}]:enabled`);
    await page.waitForSelector('#ask[open]');
  });
}

picture('dialog-download', ofProcess('log'), async (page) => {
  await live(page);
  await lastLine(page);
  await page.click('#process button[name=download]:enabled');
  await page.waitForSelector('#ask[open]');
});

picture('search', ofProcess('log'), async (page) => {
  await live(page);
  await lastLine(page);
  await page.fill('#process .find input', 'warning');
  await page.waitForSelector('#process .found:has-text("of 3")');
});

picture('lost', ofProcess('lost'), async (page) => {
  await live(page);
  await page.waitForSelector('#process .badge.unknown');
});

picture('not-known', ofProcess('unknown'), (page) =>
  page.waitForSelector('#process .forgotten:not([hidden])'),
);

picture('keys', () => '#/', async (page) => {
  await live(page);
  await page.click('#help');
  await page.waitForSelector('#keys[open]');
});

// These come last: from here on, the server refuses every request.
picture('sign-in', () => 'v1/server', async (page) => {
  server.authorised = false;
  await page.reload();
  await page.waitForSelector('.sign-in h1');
});

picture('signed-out', () => '#/', (page) => page.waitForSelector('#signed-out[open]'));
