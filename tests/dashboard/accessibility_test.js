// axe finds nothing serious in any view: dark and light, on a desktop and on a phone.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {source} = require('axe-core');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {populate} = require('./fake/fake_life');

const SCREENS = {
  desktop: {viewport: {width: 1280, height: 800}},
  phone: {viewport: {width: 390, height: 844}, hasTouch: true},
};
const THEMES = ['dark', 'light'];

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

// Returns the serious findings, each with its place.
async function findings(page) {
  // By the debugger, because the page's policy does not apply to it.
  await page.evaluate(source);
  const {violations} = await page.evaluate(() => axe.run(document));
  return violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, help, nodes}) =>
      nodes.map(({target, failureSummary}) => ({
        id,
        help,
        target: target.join(' '),
        failureSummary,
      })),
    );
}

// Runs axe on the page after `show`, on each screen. Calls `show` with the page and the name of the
// screen.
async function looksRight(show, hash = '#/') {
  for (const [screen, options] of Object.entries(SCREENS)) {
    for (const colorScheme of THEMES) {
      const page = await open(browser, `${server.url}${hash}`, {...options, colorScheme});
      await show(page, screen);
      assert.deepEqual(await findings(page), [], `${screen}, ${colorScheme}`);
      await close(page);
    }
  }
}

test('the overview', async () => {
  populate(server, 60);
  await looksRight(async (page, screen) => {
    await waitForState(page, 'live');
    for (const panel of screen === 'phone' ? ['exits', 'sessions', 'charts', 'processes'] : []) {
      await page.click(`.tabs [data-panel=${panel}]`);
      assert.deepEqual(await findings(page), [], panel);
    }
    await page.waitForSelector('#processes .row:not([hidden])');
  });
});

test('an overview that is stale, with a session that is closed and a row that is chosen', async () => {
  populate(server, 20);
  server.closeSession(server.openSession({labels: {team: 'gone'}}));
  await looksRight(async (page, screen) => {
    await waitForState(page, 'live');
    await page.focus('#processes .scroller');
    await page.keyboard.press('j');
    server.holdConnections();
    await waitForState(page, 'reconnecting');
    if (screen === 'phone') {
      await page.click('.tabs [data-panel=sessions]');
    }
    server.admitConnections();
  });
});

test('an overview with nothing on it', async () => {
  await looksRight((page) => waitForState(page, 'live'));
});

test('a search without a match', async () => {
  populate(server, 3);
  await looksRight(async (page) => {
    await waitForState(page, 'live');
    await page.fill('input[type=search]', 'no such thing');
    await page.waitForSelector('#clear:not([hidden])');
  });
});

test('a process that runs', async () => {
  const id = server.start(['sh', '-c', 'all of it '.repeat(400)], {
    labels: {app: 'ci', branch: 'main'},
  });
  const colors = Array.from({length: 16}, (_, index) => (index < 8 ? 30 + index : 82 + index));
  for (const color of colors) {
    server.write(
      id,
      `\u001b[${color}mcolour ${color}\u001b[0m \u001b[30;${color + 10}mon\u001b[0m\n`,
    );
  }
  server.write(id, '\u001b[2mdim\u001b[0m \u001b[7minverse\u001b[0m\n'.repeat(200));
  for (let index = 0; index < 30; index++) {
    server.signal(id, 'SIGHUP');
  }
  server.write(id, 'a warning\n', 'STREAM_STDERR');
  await looksRight(async (page) => {
    await waitForState(page, 'live');
    await page.waitForSelector('#process .line.stderr');
  }, `#/processes/${id}`);
});

test('a process that has ended', async () => {
  const id = server.start(['make', 'all']);
  server.gap(id, 4096);
  server.write(id, 'made\n');
  server.signal(id, 'SIGTERM');
  server.finish(id, {exit_code: 2});
  await looksRight(async (page) => {
    await page.waitForSelector('#process .ending:not([hidden])');
  }, `#/processes/${id}`);
});

test('a process that may only be looked at', async () => {
  server.whyNot = 'you are signed in to look only';
  const id = server.start(['sleep', '100']);
  await looksRight(
    (page) => page.waitForSelector('#process .why:has-text("only")'),
    `#/processes/${id}`,
  );
});

test('a question before something is done', async () => {
  const id = server.start(['sleep', '100']);
  await looksRight(async (page) => {
    for (const action of ['stop', 'kill', 'signal', 'restart']) {
      await page.click(`#process [data-action=${action}]:enabled`);
      assert.deepEqual(await findings(page), [], action);
      await page.click('#ask button:has-text("Cancel")');
    }
  }, `#/processes/${id}`);
});

test('a session, one without a process, and one that nobody knows', async () => {
  const session = server.openSession({
    labels: {team: 'build'},
    quota: {max_running_processes: '9'},
  });
  const empty = server.openSession();
  server.finish(server.start(['make'], {session, labels: {app: 'ci'}}), {exit_code: 1});
  server.start(['sleep', '100'], {session});
  for (const {session_id: id} of [session, empty, {session_id: 'nobody'}]) {
    await looksRight(async (page) => {
      await waitForState(page, 'live');
      await page.waitForSelector('#process .facts-list div, #process .forgotten:not([hidden])');
    }, `#/sessions/${id}`);
  }
});

test('a terminal, looked at and typed into', async () => {
  const id = server.start(['bash'], {spec: {pty: {}}});
  server.write(id, '$ ls\r\n\u001b[31mred\u001b[0m\r\n'.repeat(100));
  await looksRight(async (page) => {
    await page.waitForSelector('#process .xterm');
    assert.deepEqual(await findings(page), []);
    await page.click('#process .screen');
    await page.waitForSelector('#process .typing:has-text("goes to the process")');
  }, `#/processes/${id}`);
});

test('a process that nobody knows', async () => {
  await looksRight(
    (page) => page.waitForSelector('#process .forgotten:not([hidden])'),
    '#/processes/nobody',
  );
});

test('the keys', async () => {
  await looksRight(async (page) => {
    await waitForState(page, 'live');
    await page.click('#help');
  });
});

test('the page of who is not signed in', async () => {
  server.authorised = false;
  for (const [screen, options] of Object.entries(SCREENS)) {
    for (const colorScheme of THEMES) {
      const page = await open(browser, `${server.url}v1/server`, {...options, colorScheme});
      await page.waitForSelector('.sign-in h1');
      assert.deepEqual(await findings(page), [], `${screen}, ${colorScheme}`);
      const background = await page.$eval('html', (html) => getComputedStyle(html).backgroundColor);
      assert.equal(background, colorScheme === 'dark' ? 'rgb(12, 14, 17)' : 'rgb(245, 246, 248)');
      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
        true,
      );
      await close(page);
    }
  }
});

test('a page that is signed out', async () => {
  server.authorised = false;
  await looksRight((page) => page.waitForSelector('#signed-out[open]'));
});
