// The dashboard against a server that does whatever a test wants.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForSequence, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {populate} = require('./fake_life');
const {randomId} = require('./fake_world');

const KILLED = {signal: 9, signal_name: 'SIGKILL', cause: 'EXIT_CAUSE_OOM_KILLED'};

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const texts = (page, selector) =>
  page.$$eval(selector, (nodes) => nodes.map(({textContent}) => textContent));
const text = (page, selector) => page.textContent(selector);
const commands = (page) =>
  page.$$eval('#processes .row:not([hidden])', (rows) =>
    rows
      .sort((one, other) => one.ariaRowIndex - other.ariaRowIndex)
      .map((row) => row.querySelector('.mono').textContent),
  );
const waitForCommands = (page, wanted) =>
  page.waitForFunction((expected) => {
    const rows = [...document.querySelectorAll('#processes .row:not([hidden])')];
    rows.sort((one, other) => one.ariaRowIndex - other.ariaRowIndex);
    return JSON.stringify(rows.map((row) => row.querySelector('.mono').textContent)) === expected;
  }, JSON.stringify(wanted));

// Until it has an answer to which server this is.
const knowsServer = (page) => page.waitForFunction(() => proctor.store.server !== null);

// How often the page counted the exits of these processes.
const exitsCounted = (page, ids) =>
  page.evaluate((wanted) => {
    const {store} = proctor;
    return {
      feed: store.exits.filter(({id}) => wanted.includes(id)).length,
      charts: store.series.totals(store.now(), 300).exits,
    };
  }, ids);

async function live(options) {
  const page = await open(browser, server.url, options);
  await waitForState(page, 'live');
  return page;
}

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

test('goes on after a lost connection without losing or doubling an event', async () => {
  const page = await live();
  const ids = [];
  for (let round = 0; round < 3; round++) {
    server.dropConnections();
    for (let index = 0; index < 20; index++) {
      ids.push(server.start(['true']));
      server.finish(ids.at(-1));
    }
    await waitForSequence(page, server.last);
  }
  assert.deepEqual(await exitsCounted(page, ids), {feed: 60, charts: 60});
  const applied = await page.evaluate(() => proctor.store.applied.map(({from, to}) => [from, to]));
  assert.deepEqual(applied, [[2, server.last]]);
  assert.equal(
    server.streams.filter(({query}) => query.includes('snapshot')).length,
    server.streams.filter(({lastEventId}) => lastEventId).length + 1,
  );
  await close(page);
});

test('opens a stream of its own after the last event where the browser gave up', async () => {
  const page = await live();
  server.refuseStreams = true;
  const refused = page.waitForResponse((response) => response.status() === 503);
  server.dropConnections();
  await refused;
  await waitForState(page, 'reconnecting');
  const id = server.start(['true']);
  await page.waitForFunction(() =>
    /data \d+ s old/.test(document.querySelector('#pill').textContent),
  );
  server.refuseStreams = false;
  await waitForSequence(page, server.last);
  await waitForState(page, 'live');
  assert.ok(
    server.streams.some(
      ({query, lastEventId}) => query.startsWith('?after=') && lastEventId === null,
    ),
  );
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await close(page);
});

test('resynchronises when the events it needs are no longer kept', async () => {
  const lost = server.start(['lost']);
  const page = await live();
  server.holdConnections();
  for (let index = 0; index < 10; index++) {
    server.finish(server.start(['unseen']));
  }
  server.finish(lost);
  server.remove(lost);
  server.expireBefore(server.last - 3);
  server.admitConnections();
  await waitForState(page, 'resynchronised');
  assert.match(
    await text(page, '#notice span'),
    new RegExp(
      `gap\\. Events 3 to ${server.last} \\(33 events\\) were missed; the server keeps them from ` +
        `${server.first} on\\. 1 process that ran before is no longer listed\\.`,
    ),
  );
  assert.equal((await exitsCounted(page, [])).charts, 10);
  const id = server.start(['seen']);
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await page.click('#notice button');
  await waitForState(page, 'live');
  await close(page);
});

test('resynchronises with a new event log', async () => {
  server.finish(server.start(['old']));
  const page = await live();
  server.holdConnections();
  server.changeLog();
  const id = server.start(['new']);
  server.admitConnections();
  await waitForState(page, 'resynchronised');
  assert.match(await text(page, '#notice span'), /The server has a new event log/);
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  assert.equal((await exitsCounted(page, [])).charts, 1);
  await close(page);
});

test('resynchronises with a log that lost its end', async () => {
  const page = await live();
  for (let index = 0; index < 4; index++) {
    server.finish(server.start(['kept']));
  }
  await waitForSequence(page, server.last);
  server.holdConnections();
  server.loseEnd(5);
  server.admitConnections();
  await waitForState(page, 'resynchronised');
  assert.match(
    await text(page, '#notice span'),
    /ends at 8, before event 13, which this page has seen/,
  );
  assert.equal((await exitsCounted(page, [])).charts, 4);
  const id = server.start(['seen']);
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await close(page);
});

test('notices a hole in the sequence', async () => {
  const page = await live();
  const before = server.last;
  server.skipSequence();
  const id = server.start(['after the hole']);
  await waitForState(page, 'resynchronised');
  assert.match(
    await text(page, '#notice span'),
    new RegExp(`after ${before} did not arrive, then came ${before + 2}`),
  );
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await close(page);
});

test('counts nothing twice, whatever is repeated', async () => {
  const ids = [];
  for (let index = 0; index < 5; index++) {
    ids.push(server.start(['early']));
    server.finish(ids.at(-1));
  }
  // A snapshot that is newer than its bookmark: the ten events after it say it again.
  server.snapshotLead = 10;
  const page = await live();
  await waitForSequence(page, server.last);
  server.snapshotLead = 0;
  server.repeatLast();
  ids.push(server.start(['late']));
  server.finish(ids.at(-1));
  server.repeatLast();
  server.skipSequence();
  server.start(['resynchronises']);
  await waitForState(page, 'resynchronised');
  assert.deepEqual(await exitsCounted(page, ids), {feed: 6, charts: 6});
  await page.waitForFunction(
    () => document.querySelectorAll('#exits .row:not([hidden])').length === 6,
  );
  const sequences = await page.evaluate(() =>
    proctor.store.applied.flatMap(({from, to}) =>
      Array.from({length: to - from + 1}, (_, index) => from + index),
    ),
  );
  assert.deepEqual(sequences, [...new Set(sequences)]);
  await page.waitForFunction(
    () => document.querySelector('[data-tile=running]').textContent === '1',
  );
  await close(page);
});

test('lets states go forward only', async () => {
  const page = await live();
  const states = await page.evaluate(async () => {
    const {ProcessRecord} = await import('/process_record.js');
    const record = new ProcessRecord('x');
    return ['RUNNING', 'EXITED', 'RUNNING', 'DRAINED', 'EXITED'].map((state) => {
      record.merge({state: `PROCESS_STATE_${state}`});
      return record.state;
    });
  });
  assert.deepEqual(states, [1, 2, 2, 3, 3]);
  await close(page);
});

test('takes nothing from a snapshot that broke off', async () => {
  const gone = server.start(['gone']);
  server.start(['stays']);
  server.breakSnapshotAfter = 1;
  const page = await open(browser, 'about:blank');
  await page.addInitScript(() => {
    globalThis.received = [];
    const {parse} = JSON;
    JSON.parse = (text) => {
      globalThis.received.push(text);
      return parse(text);
    };
  });
  await page.goto(server.url);
  await page.waitForFunction((id) => received.some((text) => text.includes(id)), gone);
  server.remove(gone);
  server.dropConnections();
  await waitForState(page, 'live');
  await waitForCommands(page, ['stays']);
  assert.equal(await page.evaluate(() => proctor.store.processes.size), 1);
  await close(page);
});

test('does not call a silent server live', async () => {
  const page = await live({clock: true});
  server.beats = false;
  server.mute = true;
  await page.clock.fastForward(13_000);
  await waitForState(page, 'reconnecting');
  await page.waitForFunction(() =>
    /data 1\d s old/.test(document.querySelector('#pill').textContent),
  );
  server.mute = false;
  const id = server.start(['meanwhile']);
  await page.clock.fastForward(13_000);
  await waitForState(page, 'live');
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await close(page);
});

test('says that the server ends, and finds the next one', async () => {
  const running = server.start(['service']);
  const page = await live();
  await knowsServer(page);
  server.end();
  await waitForState(page, 'ended');
  server.draining = false;
  await server.restart();
  await page.waitForSelector('#notice[data-kind=restarted]');
  await waitForState(page, 'live');
  await page.waitForSelector(`#exits [data-id="${running}"] .badge.unknown`);
  assert.match(await text(page, `#exits [data-id="${running}"]`), /lost.*maybe running/);
  await close(page);
});

test('knows the next server also if the last one said only at its end who it was', async () => {
  let release;
  server.infoHeld = new Promise((resolve) => {
    release = resolve;
  });
  const page = await live();
  server.end();
  await waitForState(page, 'ended');
  release();
  await knowsServer(page);
  server.draining = false;
  await server.restart();
  await page.waitForSelector('#notice[data-kind=restarted]');
  await close(page);
});

test('says how to sign in, and goes on once it may', async () => {
  const page = await live();
  server.authorised = false;
  server.dropConnections();
  await page.waitForSelector('#signed-out[open]');
  assert.equal(await page.getAttribute('#pill', 'data-state'), 'signed_out');
  const id = server.start(['meanwhile']);
  server.authorised = true;
  await waitForState(page, 'live');
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  assert.equal(await page.$('#signed-out[open]'), null);
  await close(page);
});

// A code that the server takes once, as a link to the page.
function link() {
  const code = randomId();
  server.codes.add(code);
  return `${server.url}#code=${code}`;
}

test('signs in with a link, and stays so', async () => {
  server.proof = 'of-this-run';
  const page = await open(browser, link());
  await waitForState(page, 'live');
  assert.equal(new URL(page.url()).hash, '#/');
  server.dropConnections();
  server.start(['true']);
  await waitForSequence(page, server.last);
  await page.reload();
  await waitForState(page, 'live');
  await close(page);
});

test('says why a link does not sign in, and takes the next one in the same page', async () => {
  server.proof = 'of-this-run';
  const page = await open(browser, `${server.url}#code=used`);
  await page.waitForSelector('#signed-out[open]:has-text("this link was used already")');
  await page.waitForSelector('#signed-out pre:has-text("proctor dashboard")');
  await page.goto(link());
  await waitForState(page, 'live');
  assert.equal(await page.$('#signed-out[open]'), null);
  await close(page);
});

test('shares a login among the tabs of a browser', async () => {
  server.proof = 'of-this-run';
  const page = await open(browser, link());
  await waitForState(page, 'live');
  const other = await page.context().newPage();
  await other.goto(server.url);
  await waitForState(other, 'live');
  // Another run of the server knows nobody: one new link is enough for both.
  server.proof = 'of-the-next-run';
  server.dropConnections();
  await waitForState(page, 'signed_out');
  await waitForState(other, 'signed_out');
  const id = server.start(['meanwhile']);
  await other.goto(link());
  await waitForState(other, 'live');
  await waitForState(page, 'live');
  await page.waitForSelector(`#processes [data-id="${id}"]`);
  await close(page);
});

test('goes over to a login that another tab begins, though the one before holds', async () => {
  server.proof = 'to-look';
  const page = await open(browser, link());
  await waitForState(page, 'live');
  const other = await page.context().newPage();
  server.proof = 'to-act';
  await other.goto(link());
  await waitForState(other, 'live');
  await page.waitForFunction(() => sessionStorage.getItem('proctor-proof') === 'to-act');
  await close(page);
});

test('signs out in all tabs, and shows nothing more', async () => {
  server.proof = 'of-this-run';
  server.start(['sleep', '1000']);
  const page = await open(browser, link());
  await waitForCommands(page, ['sleep 1000']);
  const other = await page.context().newPage();
  await other.goto(server.url);
  await waitForCommands(other, ['sleep 1000']);
  await other.click('#sign-out');
  for (const tab of [page, other]) {
    await waitForState(tab, 'signed_out');
    await tab.waitForSelector('#signed-out[open]');
    assert.deepEqual(await commands(tab), []);
  }
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
  // What happens to it is shown.
  server.signal(id, 'SIGHUP');
  await page.waitForSelector('#process .timeline:has-text("SIGHUP")');
  server.finish(id, {exit_code: 3});
  await page.waitForSelector('#process .badge:has-text("exit 3")');
  // The name is no step on the way back.
  await page.goBack();
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});
