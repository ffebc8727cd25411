// The actions of the page on processes of a real proctord.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const {after, before, test} = require('node:test');
const {close, launch, open, waitForState} = require('./browser');
const {Proctord} = require('./proctord');

const TIMEOUT_MS = 30_000;

let browser;
let daemon;
let server;

before(
  async () => {
    daemon = new Proctord();
    server = await daemon.start();
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

// Starts a process and opens its page, with a login that may act.
async function openProcess(...args) {
  const id = (await daemon.proctor('run', '-d', ...args)).trim();
  const page = await open(browser, await daemon.link());
  await waitForState(page, 'live');
  await page.click(`#processes [data-id="${id}"] .c-command a`);
  return {id, page};
}

// Does an action, with the values that its question begins with.
async function act(page, name) {
  await page.click(`#process [data-action=${name}]:enabled`);
  await page.click('#ask button[type=submit]');
  await page.waitForSelector('#ask', {state: 'detached'});
}

test('stops, starts again, signals and forgets', async () => {
  const {id, page} = await openProcess('--', 'sleep', '1000');
  await act(page, 'stop');
  await page.waitForSelector('#process .badge:has-text("SIGTERM")');
  assert.match(
    await page.textContent('#process .sentence'),
    /because a client asked for it: http login \w+ of 127\.0\.0\.1/,
  );
  await act(page, 'restart');
  await page.waitForSelector('#process .badge.running');
  assert.ok(!page.url().includes(id));
  // INT is the first choice.
  await act(page, 'signal');
  await page.waitForSelector('#process .badge:has-text("SIGINT")');
  await act(page, 'remove');
  await page.waitForSelector('#process .sentence:has-text("no longer lists it")');
  await close(page);
});

test('only looks with the link of the log', async () => {
  const id = (await daemon.proctor('run', '-d', '--', 'sleep', '1000')).trim();
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  await page.click(`#processes [data-id="${id}"] .c-command a`);
  await page.waitForSelector('#process .actions .why:has-text("to look only")');
  assert.equal(await page.isEnabled('#process [data-action=stop]'), false);
  // A link to act that is opened in another tab lets the whole login act.
  const beside = await page.context().newPage();
  await beside.goto(await daemon.link());
  await page.waitForSelector('#process [data-action=stop]:enabled');
  await close(page);
});

test('is a terminal', async () => {
  const {id, page} = await openProcess('-i', '-t', '--', 'sh', '-c', 'PS1="> " exec sh');
  await page.waitForSelector('#process .xterm');
  await page.click('#process .screen');
  await page.waitForSelector('#process .typing:has-text("goes to the process")');
  const waitForRow = (pattern) =>
    page.waitForFunction(
      (wanted) => proctor.page.terminal.screen().some((row) => new RegExp(wanted).test(row)),
      pattern,
    );
  await page.keyboard.type('echo $((6 * 7)) : $(stty size)\n');
  await waitForRow('^42 : \\d+ \\d+$');
  const size = await page.evaluate(() => {
    const row = proctor.page.terminal.screen().find((text) => text.startsWith('42 :'));
    return row.split(' ').slice(2).map(Number);
  });
  assert.ok(size[0] > 24 && size[1] > 80, String(size));
  // A new page shows what was typed into the last one.
  await page.reload();
  await waitForState(page, 'live');
  await page.waitForSelector('#process .xterm');
  await waitForRow('^42 : \\d+ \\d+$');
  await page.click('#process .screen');
  await page.waitForSelector('#process .typing:has-text("goes to the process")');
  await page.keyboard.type('sleep 1000\n');
  await waitForRow('> sleep 1000');
  await page.keyboard.press('Control+c');
  await page.keyboard.type('exit 7\n');
  await page.waitForSelector('#process .badge:has-text("exit 7")');
  await page.waitForSelector('#process .typing:has-text("has ended")');
  assert.match(await daemon.proctor('logs', id), /42 :/);
  await close(page);
});

test('shows what runs uses, and what it wrote as a file', async () => {
  const script = 'printf "out\\n"; printf "err\\n" >&2; while :; do :; done';
  const {id, page} = await openProcess('--', 'sh', '-c', script);
  await page.waitForSelector('#process .usage:has-text("CPU now")');
  await page.waitForFunction(() => {
    const found = /CPU now([\d.]+) %/.exec(document.querySelector('#process .usage').textContent);
    return found !== null && Number(found[1]) > 0;
  });
  await page.click('#process button[name=download]:enabled');
  await page.selectOption('#ask [name=stream]', 'stderr');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.click('#ask button[type=submit]'),
  ]);
  assert.equal(fs.readFileSync(await download.path(), 'utf8'), 'err\n');
  await page.click('#process .where .session');
  await page.waitForSelector(`#process [data-id="${id}"]:has-text("CPU")`);
  await daemon.proctor('kill', id);
  await page.waitForSelector(`#process [data-id="${id}"] .badge:has-text("SIGKILL")`);
  await close(page);
});
