// The tools for output: search, choose a stream, show times, copy, download. And the copies of ids
// and commands.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const {execFileSync} = require('node:child_process');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const waitForLine = (page, wanted) =>
  page.waitForFunction(
    (text) => document.querySelector('#process .lines .line:last-child')?.textContent === text,
    wanted,
  );
const waitForFound = (page, wanted) =>
  page.waitForFunction(
    (text) => document.querySelector('#process .found').textContent === text,
    wanted,
  );
const marked = (page, name = 'found') =>
  page.evaluate((which) => [...CSS.highlights.get(which)].map((range) => range.toString()), name);
const current = (page) => page.textContent('#process .line.current');

async function openProcess(id, options) {
  const page = await open(browser, `${server.url}#/processes/${id}`, options);
  await waitForState(page, 'live');
  return page;
}

test('finds text in output, forth and back, and in what comes', async () => {
  const id = server.start(['talker']);
  for (let index = 0; index < 100; index++) {
    server.write(
      id,
      `line ${index} is ${index % 10 === 0 ? '\u001b[31mEr\u001b[32mror\u001b[0m' : 'fine'}\n`,
    );
  }
  const page = await openProcess(id);
  await waitForLine(page, 'line 99 is fine');
  await page.keyboard.press('/');
  await page.keyboard.type('error');
  await waitForFound(page, '10 of 10');
  // A match is found across a change of style, too.
  assert.deepEqual(await marked(page), Array(10).fill('Error'));
  assert.deepEqual(await marked(page, 'found-current'), ['Error']);
  assert.equal(await current(page), 'line 90 is Error');
  await page.waitForSelector('#process button[name=follow]:has-text("Paused")');
  await page.keyboard.press('Enter');
  await waitForFound(page, '1 of 10');
  assert.equal(await current(page), 'line 0 is Error');
  await page.waitForFunction(() => {
    const {top, bottom} = document.querySelector('#process .lines').getBoundingClientRect();
    const at = document.querySelector('#process .line.current').getBoundingClientRect();
    return at.top >= top && at.bottom <= bottom;
  });
  await page.keyboard.press('Shift+Enter');
  await waitForFound(page, '10 of 10');
  server.write(id, 'one more error\n');
  await waitForFound(page, '10 of 11');
  await page.click('#process [name=next]');
  await waitForFound(page, '11 of 11');
  await page.click('#process [name=case]');
  await waitForFound(page, '1 of 1');
  assert.equal(await current(page), 'one more error');
  await page.fill('#process .find input', 'e [0-9]+ .*');
  await waitForFound(page, 'none');
  await page.fill('#process .find input', '(a-b)');
  server.write(id, 'x (a-b) y (a-b)\n');
  await waitForFound(page, '2 found');
  await page.focus('#process .find input');
  await page.keyboard.press('Escape');
  await waitForFound(page, '');
  assert.deepEqual(await marked(page), []);
  // Escape closed the search, not the page.
  assert.equal(await page.evaluate(() => document.activeElement.className.includes('lines')), true);
  await close(page);
});

test('says that it searched only what is loaded', async () => {
  const id = server.start(['flood']);
  server.write(id, 'needle\n'.repeat(6000));
  const page = await openProcess(id);
  await waitForLine(page, 'needle');
  await page.fill('#process .find input', 'needle');
  await waitForFound(page, '5,000 of 5,000+');
  await page.waitForSelector('#process .partial:has-text("there is more above")');
  await close(page);
});

test('shows one stream alone, and when each line came', async () => {
  const id = server.start(['both']);
  server.write(id, 'out\n');
  server.write(id, 'err\n', 'STREAM_STDERR');
  server.write(id, 'end\n');
  const page = await openProcess(id);
  await waitForLine(page, 'end');
  const visible = () =>
    page.$$eval('#process .lines .line', (rows) =>
      rows.filter((row) => row.checkVisibility()).map(({textContent}) => textContent),
    );
  await page.click('#process [data-stream=stderr]');
  assert.deepEqual(await visible(), ['err']);
  await page.fill('#process .find input', 'e');
  await waitForFound(page, '1 of 1');
  await page.click('#process [data-stream=stdout]');
  assert.deepEqual(await visible(), ['out', 'end']);
  await waitForFound(page, '1 found');
  await page.click('#process [data-stream=all]');
  assert.deepEqual(await visible(), ['out', 'err', 'end']);
  await page.click('#process button[name=times]');
  const shown = await page.$eval(
    '#process .line',
    (row) => getComputedStyle(row, '::before').content,
  );
  assert.match(shown, /^"?\d\d:\d\d:\d\d\.\d\d\d/);
  await page.click('#process button[name=times]');
  assert.equal(
    await page.$eval('#process .line', (row) => getComputedStyle(row, '::before').content),
    'none',
  );
  await close(page);
});

test('downloads all that the server keeps, of both streams or of one', async () => {
  const id = server.start(['/usr/bin/make', 'all']);
  const head = 'dropped\n';
  const body = '\u001b[31mred\u001b[0m é\n'.repeat(200_000);
  server.write(id, head + body);
  server.write(id, 'oops\n', 'STREAM_STDERR');
  server.write(id, 'end\n');
  server.drop(id, head.length);
  const page = await openProcess(id);
  await waitForLine(page, 'end');
  const get = async (stream) => {
    await page.click('#process button[name=download]:enabled');
    await page.waitForSelector('#ask:has-text("8 B before that it has dropped")');
    await page.selectOption('#ask [name=stream]', stream);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#ask button[type=submit]'),
    ]);
    await page.waitForSelector('#ask', {state: 'detached'});
    const text = fs.readFileSync(await download.path(), 'utf8');
    return [download.suggestedFilename(), text];
  };
  const name = `make-${id.slice(0, 8)}`;
  const [bothName, both] = await get('both');
  assert.equal(bothName, `${name}.log`);
  assert.ok(both === `${body}oops\nend\n`);
  const [outName, out] = await get('stdout');
  assert.equal(outName, `${name}-stdout.log`);
  assert.ok(out === `${body}end\n`);
  assert.deepEqual(await get('stderr'), [`${name}-stderr.log`, 'oops\n']);
  await close(page);
});

test('says of a download what is missing in it', async () => {
  const id = server.start(['talker']);
  server.write(id, 'one\n');
  server.gap(id, 2048);
  server.write(id, 'two\n');
  server.write(id, 'err\n', 'STREAM_STDERR');
  const page = await openProcess(id);
  await waitForLine(page, 'err');
  const get = async (stream) => {
    await page.click('#process button[name=download]:enabled');
    await page.selectOption('#ask [name=stream]', stream);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#ask button[type=submit]'),
    ]);
    return fs.readFileSync(await download.path(), 'utf8');
  };
  assert.equal(await get('stdout'), 'one\ntwo\n');
  await page.waitForSelector('#ask .trouble:has-text("2.0 KiB are missing in it")');
  await page.click('#ask button:has-text("Close")');
  await page.waitForSelector('#ask', {state: 'detached'});
  assert.equal(await get('stderr'), 'err\n');
  await page.waitForSelector('#ask', {state: 'detached'});
  await close(page);
});

test('waits for a busy server with a download, and gives it up when it is left', async () => {
  const id = server.start(['talker']);
  server.write(id, 'one\n');
  server.finish(id);
  const page = await openProcess(id);
  await waitForLine(page, 'one');
  await page.click('#process button[name=download]:enabled');
  server.outputRefusals = [503, 429, 401];
  const saved = page.waitForEvent('download');
  await page.click('#ask button[type=submit]');
  await page.waitForSelector('#ask .trouble:has-text("not now; trying again")');
  await saved;
  await page.waitForSelector('#ask', {state: 'detached'});
  let answer;
  server.outputHeld = new Promise((resolve) => {
    answer = resolve;
  });
  let downloads = 0;
  page.on('download', () => downloads++);
  await page.click('#process button[name=download]:enabled');
  const asked = page.waitForRequest(/output.*follow=false/);
  await page.click('#ask button[type=submit]');
  const given = page.waitForEvent('requestfailed', (request) =>
    request.url().includes('follow=false'),
  );
  await asked;
  await page.keyboard.press('Escape');
  await page.waitForSelector('#ask', {state: 'detached'});
  await given;
  answer();
  await page.evaluate(() => fetch('/v1/server'));
  assert.equal(downloads, 0);
  await close(page);
});

test('says why it cannot download', async () => {
  const session = server.openSession();
  const id = server.start(['true'], {session});
  server.finish(id);
  const page = await openProcess(id);
  server.closeSession(session);
  await page.click('#process button[name=download]:enabled');
  await page.click('#ask button[type=submit]');
  await page.waitForSelector('#ask .trouble:has-text("the session of process")');
  await close(page);
});

// Returns what the page copies. With `secure` it has a clipboard, and else none.
async function copied(page, secure, act) {
  await page.evaluate((has) => {
    globalThis.copied = null;
    Object.defineProperty(navigator, 'clipboard', {
      configurable: true,
      value: has
        ? {
            writeText: async (text) => {
              globalThis.copied = text;
            },
          }
        : undefined,
    });
    document.oncopy = () => {
      globalThis.copied = document.activeElement.value;
    };
  }, secure);
  await act();
  await page.waitForFunction(() => globalThis.copied !== null);
  return page.evaluate(() => globalThis.copied);
}

test('copies ids, commands and output, with a clipboard or without', async () => {
  const argv = [
    'printf',
    '%s\n',
    "it's",
    'a b',
    '',
    '$HOME',
    'tab\there',
    'bell\u0007\\',
    '\u202eüber',
    '😀 \u{e0001}',
  ];
  const id = server.start(argv);
  server.write(id, 'out\n');
  server.write(id, 'err\n', 'STREAM_STDERR');
  const page = await openProcess(id);
  await waitForLine(page, 'err');
  for (const secure of [true, false]) {
    assert.equal(await copied(page, secure, () => page.click('#process .where .copy')), id);
    const command = await copied(page, secure, () => page.click('#process .title .copy'));
    assert.doesNotMatch(command, /[\u0000-\u001f\u202e\u{e0001}]/u);
    const script = `set -- ${command}; for one in "$@"; do printf '%s\\0' "$one"; done`;
    const read = execFileSync('bash', ['-c', script], {env: {...process.env, LC_ALL: 'C.UTF-8'}});
    assert.deepEqual(read.toString().split('\0').slice(0, -1), argv);
    assert.equal(
      await copied(page, secure, () => page.click('#process .spec .copy >> nth=1')),
      command,
    );
    await page.waitForSelector('#process .spec .copy[aria-label=Copied]');
    await page.click('#process [data-stream=stderr]');
    assert.equal(await copied(page, secure, () => page.click('#process [name=copy]')), 'err\n');
    await page.click('#process [data-stream=all]');
    assert.equal(
      await copied(page, secure, () => page.click('#process [name=copy]')),
      'out\nerr\n',
    );
  }
  await close(page);
});

test('copies no command that it was told a part of', async () => {
  const id = server.start(['long', 'part']);
  server.processes.get(id).spec_omitted = {arguments: '2', bytes: '9000'};
  const page = await openProcess(id);
  await page.waitForSelector('#process .where .copy', {state: 'visible'});
  await page.waitForSelector('#process h1:has-text("long part …")');
  assert.equal(await page.isVisible('#process .title .copy'), false);
  await close(page);
});
