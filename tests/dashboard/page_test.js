// What the overview shows, and how it is used.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForSequence, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {populate} = require('./fake/fake_life');
const {exitsCounted, waitForCommands} = require('./overview');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

async function live(options) {
  const page = await open(browser, server.url, options);
  await waitForState(page, 'live');
  return page;
}

const texts = (page, selector) =>
  page.$$eval(selector, (nodes) => nodes.map(({textContent}) => textContent));
const text = (page, selector) => page.textContent(selector);

const KILLED = {signal: 9, signal_name: 'SIGKILL', cause: 'EXIT_CAUSE_OOM_KILLED'};

test('shows what exists, and what happens after', async () => {
  const first = server.start(['sleep', '100'], {labels: {app: 'web', env: 'prod'}});
  const page = await live();
  await waitForCommands(page, ['sleep 100']);
  assert.deepEqual(
    await texts(page, '#processes .row .chip'),
    ['app=web', 'env=prod'].map((label) => label.replace('=', '')),
  );
  const second = server.start(['sh', '-c', 'echo "a b"']);
  await waitForCommands(page, ['sh -c \'echo "a b"\'', 'sleep 100']);
  server.finish(first, KILLED);
  await page.waitForSelector(`#exits [data-id="${first}"]`);
  assert.match(
    await text(page, `#exits [data-id="${first}"]`),
    /SIGKILL.*sleep 100.*out of memory.*CPU.*MiB/,
  );
  await page.waitForFunction(() => document.title === '(1) Proctor · build-07');
  server.remove(first);
  server.finish(second);
  server.remove(second);
  await page.waitForFunction(
    () => document.querySelector('#processes .empty p').textContent === 'No process yet.',
  );
  await page.waitForFunction(
    () => document.querySelectorAll('#exits .row:not([hidden])').length === 2,
  );
  assert.equal(await text(page, '#exits .count'), 'newest 2');
  assert.equal(await text(page, '#sessions .count'), '1 open');
  assert.equal(await page.isVisible('#exits .empty'), false);
  await close(page);
});

test('opens the page of a row beside its links, too', async () => {
  const id = server.start(['true']);
  server.finish(id, {exit_code: 0});
  const page = await live();
  for (const [panel, path] of [['#exits', 'processes'], ['#sessions', 'sessions']]) {
    const row = await page.waitForSelector(`${panel} .row:not([hidden])`);
    const wanted = `#/${path}/${await row.evaluate(({dataset}) => dataset.id)}`;
    await row.evaluate((element) => element.click());
    assert.equal(await page.evaluate(() => location.hash), wanted);
    await page.evaluate(() => {
      location.hash = '#/';
    });
  }
  await close(page);
});

test('tells a crash from a signal from outside, and no size that says nothing', async () => {
  const crashed = server.start(['./broken']);
  const signalled = server.start(['./other']);
  const page = await live();
  const segv = {signal: 11, signal_name: 'SIGSEGV', usage: {user_time: '1s', system_time: '1s'}};
  server.finish(crashed, {...segv, cause: 'EXIT_CAUSE_CRASHED'});
  server.finish(signalled, {...segv, cause: 'EXIT_CAUSE_SELF'});
  await page.waitForSelector(`#exits [data-id="${signalled}"]`);
  assert.match(await text(page, `#exits [data-id="${crashed}"]`), /SIGSEGV.*crashed.*CPU · –/);
  assert.match(await text(page, `#exits [data-id="${signalled}"]`), /SIGSEGV.*outside signal/);
  await close(page);
});

test('searches, filters and sorts', async () => {
  const now = Date.now();
  const fast = server.start(['make', 'all'], {labels: {team: 'a'}, at: now - 9000});
  const slow = server.start(['cargo', 'test'], {labels: {team: 'b'}, at: now - 8000});
  const running = server.start(['bazel', 'build'], {labels: {team: 'b'}, at: now - 7000});
  server.usages.set(running, {cpu_time: '0.001s'});
  server.finish(fast, {exit_code: 0}, now - 8900);
  server.finish(slow, {exit_code: 2}, now - 1000);
  const page = await live();
  await waitForCommands(page, ['bazel build', 'cargo test', 'make all']);
  await page.click('#processes [data-column=command] button');
  await waitForCommands(page, ['bazel build', 'cargo test', 'make all']);
  await page.click('#processes [data-column=command] button');
  await waitForCommands(page, ['make all', 'cargo test', 'bazel build']);
  assert.equal(
    await page.getAttribute('#processes [data-column=command]', 'aria-sort'),
    'descending',
  );
  await page.click('#processes [data-column=cpu] button');
  await waitForCommands(page, ['cargo test', 'make all', 'bazel build']);
  await page.click('#processes [data-filter=failed]');
  await waitForCommands(page, ['cargo test']);
  await page.click('#processes [data-filter=all]');
  await page.fill('input[type=search]', 'team=b cargo');
  await waitForCommands(page, ['cargo test']);
  await page.fill('input[type=search]', fast.slice(0, 10));
  await waitForCommands(page, ['make all']);
  await page.fill('input[type=search]', 'no such thing');
  await page.click('#clear');
  await waitForCommands(page, ['cargo test', 'make all', 'bazel build']);
  await page.click('#processes .chip[title="team=a"]');
  assert.equal(await page.inputValue('input[type=search]'), 'team=a');
  await waitForCommands(page, ['make all']);
  await close(page);
});

test('shows what would turn a row round, or would not be seen', async () => {
  const id = server.start(['cat', '\u202etxt.exe', 'a\u200bb\u061c'], {
    labels: {'k\ufeff': 'v\u2066'},
    spec: {cwd: '/\u202etmp'},
  });
  const page = await live();
  await waitForCommands(page, ["cat '\\u{202e}txt.exe' 'a\\u{200b}b\\u{61c}'"]);
  assert.deepEqual(await texts(page, '#processes .row .chip'), ['k\\u{feff}v\\u{2066}']);
  await page.click('#processes .chip');
  await waitForCommands(page, ["cat '\\u{202e}txt.exe' 'a\\u{200b}b\\u{61c}'"]);
  await page.goto(`${server.url}#/processes/${id}`);
  await page.waitForSelector('#process .chip');
  assert.doesNotMatch(await text(page, 'body'), /[\u061c\u200b\u202e\u2066\ufeff]/);
  await close(page);
});

test('takes an address that cannot be decoded for a process that is not known', async () => {
  server.start(['sleep', '100']);
  const page = await live();
  await waitForCommands(page, ['sleep 100']);
  await page.evaluate(() => {
    location.hash = '#/processes/%E0%A4%A';
  });
  await page.waitForFunction(
    () => document.querySelector('#process .badge')?.textContent === 'not known',
  );
  await page.evaluate(() => {
    location.hash = '#/';
  });
  await waitForCommands(page, ['sleep 100']);
  await close(page);
});

test('is used by keys alone', async () => {
  for (const name of ['one', 'two', 'three']) {
    server.start([name], {
      at: Date.now() - (name === 'one' ? 30 : name === 'two' ? 20 : 10) * 1000,
    });
  }
  const page = await live();
  await waitForCommands(page, ['three', 'two', 'one']);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
  await page.keyboard.type('t');
  await waitForCommands(page, ['three', 'two']);
  await page.keyboard.press('Enter');
  await page.keyboard.press('j');
  await page.waitForFunction(
    () => document.querySelector('#processes [aria-selected=true] .mono')?.textContent === 'two',
  );
  await page.keyboard.press('k');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#process h1:has-text("two")');
  await page.keyboard.press('Escape');
  await waitForCommands(page, ['three', 'two']);
  await page.keyboard.press('?');
  await page.waitForSelector('#keys[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#keys:not([open])', {state: 'attached'});
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await page.keyboard.press('t');
  const chosen = await theme();
  await page.reload();
  await waitForState(page, 'live');
  assert.equal(await theme(), chosen);
  await page.focus('.plot');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() =>
    /at \d\d:\d\d:\d\d: starts/.test(document.querySelector('.plot').ariaLabel),
  );
  await close(page);
});

test('keeps 10,000 processes and 1,000 events a second to a few rows', async (t) => {
  populate(server, 10_000);
  const page = await open(browser, server.url);
  await page.evaluate(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) =>
      list.getEntries().forEach(({duration}) => longTasks.push(Math.round(duration))),
    ).observe({type: 'longtask', buffered: true});
  });
  await waitForState(page, 'live');
  await page.waitForFunction(
    (count) => proctor.store.processes.size === count,
    server.processes.size,
  );
  const report = async (what) => {
    const tasks = await page.evaluate(() => longTasks.splice(0));
    t.diagnostic(`${what}: ${tasks.length} long tasks, in ms: ${tasks.join(' ')}`);
  };
  const rows = () => page.$$eval('.row', ({length}) => length);
  await page.waitForSelector('#processes .row:not([hidden])');
  assert.ok((await rows()) < 120, `${await rows()} rows`);
  await report('snapshot');
  await page.evaluate(async () => {
    const scroller = document.querySelector('#processes .scroller');
    for (let step = 0; step < 60; step++) {
      scroller.scrollTop = step * 5000;
      await new Promise(requestAnimationFrame);
    }
    scroller.scrollTop = scroller.scrollHeight;
    await new Promise(requestAnimationFrame);
  });
  assert.ok((await rows()) < 120, `${await rows()} rows`);
  await report('scrolling');
  await page.evaluate(() => {
    document.querySelector('#processes .scroller').scrollTop = 0;
  });
  const burst = [];
  for (let tenth = 0; tenth < 30; tenth++) {
    for (let index = 0; index < 33; index++) {
      burst.push(server.start(['burst', String(burst.length)]));
      server.finish(burst.at(-1));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await waitForSequence(page, server.last);
  await page.waitForSelector(`#processes [data-id="${burst.at(-1)}"]`);
  assert.ok((await rows()) < 120, `${await rows()} rows`);
  assert.equal((await exitsCounted(page, burst)).feed, burst.length);
  await report('burst');
  await page.fill('input[type=search]', 'cargo');
  await page.waitForFunction(() =>
    / of 1\d,\d/.test(document.querySelector('#processes .count').textContent),
  );
  await report('search');
  await close(page);
});

test('keeps what is looked at in its place while rows come above it', async () => {
  populate(server, 500);
  const page = await live();
  await page.waitForSelector('#processes .row:not([hidden])');
  const looked = await page.evaluate(async () => {
    const scroller = document.querySelector('#processes .scroller');
    scroller.scrollTop = 3400;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const {top} = scroller.getBoundingClientRect();
    const row = [...scroller.querySelectorAll('.row:not([hidden])')].find(
      (one) => one.getBoundingClientRect().top > top + 50,
    );
    return {id: row.dataset.id, top: row.getBoundingClientRect().top};
  });
  for (let index = 0; index < 25; index++) {
    server.start(['above']);
  }
  await page.waitForFunction(
    () => document.querySelector('#processes .count').textContent === '525',
  );
  await page.waitForFunction(
    ({id, top}) =>
      Math.abs(
        document.querySelector(`#processes [data-id="${id}"]`).getBoundingClientRect().top - top,
      ) < 2,
    looked,
  );
  await close(page);
});

test('fits a phone', async () => {
  populate(server, 200);
  const page = await live({viewport: {width: 390, height: 844}, hasTouch: true});
  const id = server.start(['sh', '-c', 'x'.repeat(400)]);
  for (const panel of ['exits', 'sessions', 'charts', 'processes']) {
    await page.click(`.tabs [data-panel=${panel}]`);
    await page.waitForSelector(`#${panel}`, {state: 'visible'});
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, panel);
  }
  await page.click(`#processes [data-id="${id}"] a`);
  await page.waitForSelector('#process h1');
  assert.equal(
    await page.evaluate(() => document.querySelector('#process').scrollWidth <= 390),
    true,
  );
  await close(page);
});

test('goes from the name of a process to its own page', async () => {
  const id = server.start(['serve'], {spec: {name: 'web one'}});
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  await page.goto(`${server.url}#/processes/web%20one`);
  await page.waitForFunction((wanted) => location.hash === wanted, `#/processes/${id}`);
  // The page shows what happens to it.
  server.signal(id, 'SIGHUP');
  await page.waitForSelector('#process .timeline:has-text("SIGHUP")');
  server.finish(id, {exit_code: 3});
  await page.waitForSelector('#process .badge:has-text("exit 3")');
  // "Back" skips the address with the name.
  await page.goBack();
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});
