// The terminal in the page of a process.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');

const INPUT_MS = 20_000;

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const startShell = (fields = {}) =>
  server.start(['bash'], {spec: {pty: {size: {rows: 24, columns: 80}}, ...fields}});

async function openProcess(id, options) {
  const page = await open(browser, `${server.url}#/processes/${id}`, options);
  await waitForState(page, 'live');
  await page.waitForSelector('#process .xterm');
  return page;
}

// Waits until keys go to the process. Before that, the page has to learn that it may act.
async function sitDown(page) {
  await page.click('#process .screen');
  await page.waitForSelector('#process .typing:has-text("goes to the process")');
}

const waitForRow = (page, row, wanted) =>
  page.waitForFunction(([at, text]) => proctor.page.terminal.screen()[at] === text, [row, wanted]);
// Writes to stdin as another client does.
const typeElsewhere = (id, text) =>
  server.inputs.set(id, Buffer.concat([server.inputs.get(id), Buffer.from(text)].filter(Boolean)));
const input = (id) => server.inputs.get(id)?.toString() ?? '';
function nextInput() {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('nothing more was typed')), INPUT_MS);
  });
  return Promise.race([server.nextInput(), late]).finally(() => clearTimeout(timer));
}
// Waits until the process got exactly this. A write may end within a character.
async function waitForInput(page, id, wanted) {
  const all = Buffer.from(wanted);
  for (;;) {
    const got = server.inputs.get(id) ?? Buffer.alloc(0);
    assert.ok(all.subarray(0, got.length).equals(got), JSON.stringify(got.toString().slice(0, 80)));
    if (got.length === all.length) {
      return;
    }
    await nextInput();
  }
}

test('shows a terminal as it is, and looks on until it is sat down before', async () => {
  const id = startShell();
  // A program asks the terminal where the cursor is.
  server.write(id, '\u001b[2J\u001b[3;5Hhere\u001b[6n\u001b[1;1Htop é');
  const page = await openProcess(id);
  await waitForRow(page, 0, 'top é');
  await waitForRow(page, 2, '    here');
  server.write(id, '\u001b[2;1H\u001b[31mred\u001b[0m\u001b[c');
  await waitForRow(page, 1, 'red');
  assert.deepEqual(server.calls, []);
  assert.equal(await page.isVisible('#process .find'), false);
  await page.click('#process [data-as=log]');
  await page.waitForSelector('#process .find', {state: 'visible'});
  await page.waitForSelector('#process .line:has-text("red")');
  await page.click('#process [data-as=terminal]');
  await page.waitForSelector('#process .xterm', {state: 'visible'});
  await close(page);
});

test('types, pastes and leaves', async () => {
  const id = startShell();
  const page = await openProcess(id);
  await sitDown(page);
  await page.keyboard.type('ls -l');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await waitForInput(page, id, 'ls -l\r\u001b[A\u0003\u001b\t');
  // Here, the page's own keys go to the terminal.
  await page.waitForSelector('#process h1:has-text("bash")');
  const paste = (text) =>
    page.evaluate((pasted) => {
      const data = new DataTransfer();
      data.setData('text/plain', pasted);
      document.activeElement.dispatchEvent(
        new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}),
      );
    }, text);
  server.inputs.clear();
  // The new process has a new stdin. The place that the page knew is wrong, so it asks.
  await page.reload();
  await page.waitForSelector('#process .xterm');
  await sitDown(page);
  const long = 'ä€😀'.repeat(20_000);
  await paste(long);
  await waitForInput(page, id, long);
  // The program asked for bracketed pastes.
  server.inputs.clear();
  await page.reload();
  await page.waitForSelector('#process .xterm');
  server.write(id, '\u001b[?2004hready');
  await waitForRow(page, 0, 'ready');
  await sitDown(page);
  await paste('a\nb');
  await waitForInput(page, id, '\u001b[200~a\rb\u001b[201~');
  await page.keyboard.press('Control+Shift+Enter');
  await page.waitForSelector('#process .typing:has-text("Click into the terminal")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});

test('copies what is selected, and interrupts where nothing is', async () => {
  const id = startShell();
  server.write(id, 'some words');
  const page = await openProcess(id);
  await waitForRow(page, 0, 'some words');
  await sitDown(page);
  await page.evaluate(() => {
    globalThis.copied = null;
    Object.defineProperty(navigator, 'clipboard', {
      value: {
        writeText: async (text) => {
          globalThis.copied = text;
        },
      },
    });
  });
  await page.dblclick('#process .screen', {position: {x: 30, y: 18}});
  await page.keyboard.press('Control+c');
  await page.waitForFunction(() => globalThis.copied === 'some');
  assert.equal(input(id), '');
  await page.keyboard.press('Control+c');
  await waitForInput(page, id, '\u0003');
  await close(page);
});

test('sends one write at a time, each with its place, and again where an answer was lost', async () => {
  const id = startShell();
  const page = await openProcess(id);
  await sitDown(page);
  await Promise.all([page.waitForResponse(/:write$/), page.keyboard.type('a')]);
  assert.equal(input(id), 'a');
  let answer;
  server.callsHeld = new Promise((resolve) => {
    answer = resolve;
  });
  const before = server.calls.length;
  await Promise.all([page.waitForRequest(/:write$/), page.keyboard.type('b')]);
  await page.keyboard.type('cdefg');
  answer();
  await waitForInput(page, id, 'abcdefg');
  const writes = server.calls
    .slice(before)
    .filter(({verb}) => verb === 'write')
    .map(({body}) => [Buffer.from(body.data, 'base64').toString(), body.offset]);
  assert.equal(writes.map(([text]) => text).join(''), 'bcdefg');
  assert.equal(writes[0][0], 'b');
  assert.ok(writes.length <= 3, JSON.stringify(writes));
  writes.reduce((at, [text, offset]) => {
    assert.equal(offset, String(at));
    return at + text.length;
  }, 1);
  // The write arrives, but its answer is lost. It is sent again, and arrives once.
  server.loseAnswers = true;
  await page.keyboard.type('h');
  await page.waitForSelector('#process .typing.bad:has-text("did not answer")');
  assert.equal(input(id), 'abcdefgh');
  server.loseAnswers = false;
  await page.waitForSelector('#process .typing:not(.bad)');
  await page.keyboard.type('i');
  await waitForInput(page, id, 'abcdefghi');
  await close(page);
});

test('gives the terminal the size of the window, once, and the last one', async () => {
  const id = startShell();
  const page = await openProcess(id);
  assert.deepEqual(server.sizes, []);
  const fits = () =>
    page.waitForFunction(() => {
      const box = document.querySelector('#process .screen').getBoundingClientRect();
      const screen = document.querySelector('#process .xterm-screen').getBoundingClientRect();
      return (
        screen.right <= box.right &&
        screen.bottom <= box.bottom &&
        box.right - screen.right < 40 &&
        box.bottom - screen.bottom < 30
      );
    });
  await page.waitForSelector('#process .typing:has-text("Click into the terminal")');
  await page.click('#process .screen');
  await fits();
  assert.equal(server.sizes.length, 1);
  const [{rows, columns}] = server.sizes;
  assert.ok(rows > 24 && columns > 80, JSON.stringify(server.sizes));
  await page.setViewportSize({width: 1000, height: 700});
  await fits();
  const last = server.sizes.at(-1);
  assert.ok(last.rows < rows && last.columns < columns, JSON.stringify(server.sizes));
  await page.keyboard.press('Control+Shift+Enter');
  const before = server.sizes.length;
  await page.setViewportSize({width: 1300, height: 800});
  await page.evaluate(() => fetch('/v1/server'));
  assert.equal(server.sizes.length, before);
  await close(page);
});

test('goes on after a lost connection with no byte doubled', async () => {
  const id = startShell();
  const page = await openProcess(id);
  server.write(id, 'one');
  await waitForRow(page, 0, 'one');
  server.dropConnections();
  server.write(id, ' two');
  await waitForRow(page, 0, 'one two');
  server.repeatOutput(id);
  server.write(id, ' three');
  await waitForRow(page, 0, 'one two three');
  await sitDown(page);
  server.dropConnections();
  await page.keyboard.type('x');
  await waitForInput(page, id, 'x');
  await close(page);
});

test('says that another writer has it, and takes it over', async () => {
  const id = startShell();
  const page = await openProcess(id);
  await sitDown(page);
  server.refusal = [409, 'FAILED_PRECONDITION', 'STDIN_BUSY', 'another client writes to stdin'];
  await page.keyboard.type('q');
  await page.waitForSelector('#process .typing button', {state: 'visible'});
  await page.waitForSelector('#process .typing.bad:has-text("another client writes to stdin")');
  typeElsewhere(id, 'their words');
  server.refusal = null;
  await page.click('#process .typing button');
  await waitForInput(page, id, 'their wordsq');
  assert.equal(server.calls.findLast(({verb}) => verb === 'write').body.force, true);
  await page.keyboard.type('!');
  await waitForInput(page, id, 'their wordsq!');
  assert.equal(server.calls.findLast(({verb}) => verb === 'write').body.force, undefined);
  await close(page);
});

test('loses no key where somebody else types, too', async () => {
  const id = startShell();
  const page = await openProcess(id);
  await sitDown(page);
  await page.keyboard.type('ls');
  await waitForInput(page, id, 'ls');
  typeElsewhere(id, ' -la');
  await page.keyboard.type('x');
  await waitForInput(page, id, 'ls -lax');
  await close(page);
});

test('goes on with what is read only after a while, as the writer that it was', async () => {
  const id = startShell();
  const page = await openProcess(id);
  await sitDown(page);
  server.unread.add(id);
  await page.keyboard.type('p');
  await page.waitForSelector('#process .typing.bad:has-text("it does not read")');
  server.unread.delete(id);
  await waitForInput(page, id, 'p');
  await page.waitForSelector('#process .typing:not(.bad)');
  await close(page);
});

test('tries again only while somebody looks', async () => {
  const id = startShell();
  const page = await openProcess(id, {clock: true});
  await sitDown(page);
  server.refusal = [503, 'UNAVAILABLE', 'BUSY', 'try again'];
  await Promise.all([page.waitForResponse(/:write$/), page.keyboard.type('p')]);
  await page.waitForSelector('#process .typing.bad:has-text("try again")');
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', {value, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  const before = server.calls.length;
  await page.clock.runFor(10_000);
  await page.evaluate(() => fetch('/v1/server'));
  assert.equal(server.calls.length, before);
  server.refusal = null;
  await hide(false);
  await waitForInput(page, id, 'p');
  await close(page);
});

test('says where bytes are missing, and begins anew after them', async () => {
  const id = startShell();
  const page = await openProcess(id);
  const half = Buffer.from('one \u001b[31m€').subarray(0, -1);
  server.write(id, half);
  server.gap(id, 2048);
  server.write(id, 'two');
  await waitForRow(page, 0, 'one');
  await waitForRow(page, 1, '[2.0 KiB of stdout were no longer kept]');
  await waitForRow(page, 2, 'two');
  // A page that is opened later gets the same.
  await page.reload();
  await page.waitForSelector('#process .xterm');
  await waitForRow(page, 1, '[2.0 KiB of stdout were no longer kept]');
  await close(page);
});

test('gives the size again to whom another gave one meanwhile', async () => {
  const id = startShell();
  const page = await openProcess(id);
  const sit = async () => {
    await page.waitForSelector('#process .typing:has-text("Click into the terminal")');
    const resized = page.waitForResponse(/:resize$/);
    await page.click('#process .screen');
    await resized;
  };
  await sit();
  await page.keyboard.press('Control+Shift+Enter');
  await sit();
  const [first, second] = server.sizes.slice(-2);
  assert.equal(server.sizes.length, 2);
  assert.deepEqual(second, first);
  await close(page);
});

for (const file of ['/xterm.js', '/xterm.css']) {
  test(`shows the log where ${file} cannot be read`, async () => {
    server.broken.add(file);
    const id = startShell();
    server.write(id, 'words\r\n');
    const page = await open(browser, `${server.url}#/processes/${id}`);
    await page.waitForSelector('#process .ending:has-text("There can be no terminal here")');
    await page.waitForSelector('#process .line:has-text("words")', {state: 'visible'});
    assert.equal(await page.isVisible('#process .as'), false);
    // The next terminal tries again.
    server.broken.clear();
    await page.goto(`${server.url}#/`);
    await page.goto(`${server.url}#/processes/${id}`);
    await page.waitForSelector('#process .xterm');
    await waitForRow(page, 0, 'words');
    await close(page);
  });
}

test('types nothing into what has ended, nor for who may only look', async () => {
  const id = startShell();
  server.write(id, 'bye');
  server.whyNot = 'you are signed in to look only';
  const page = await openProcess(id);
  await page.waitForSelector('#process .typing:has-text("to look only")');
  await page.click('#process .screen');
  await page.keyboard.type('x');
  server.finish(id);
  await page.waitForSelector('#process .typing:has-text("has ended")');
  await page.keyboard.type('x');
  await page.evaluate(() => fetch('/v1/server'));
  assert.deepEqual(server.calls, []);
  await waitForRow(page, 0, 'bye');
  await close(page);
});

test('fits a phone', async () => {
  const id = startShell();
  const page = await openProcess(id, {viewport: {width: 390, height: 844}, hasTouch: true});
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.tap('#process .screen');
  await page.waitForSelector('#process .typing:has-text("goes to the process")');
  await page.waitForFunction(() => {
    const screen = document.querySelector('#process .xterm-screen').getBoundingClientRect();
    return screen.right <= 390;
  });
  assert.ok(server.sizes.at(-1).columns < 60);
  await close(page);
});
