// What the page makes of lost connections, gaps in the events and restarts of the server.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForSequence, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {exitsCounted, waitForCommands} = require('./overview');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

async function live(options) {
  const page = await open(browser, server.url, options);
  await waitForState(page, 'live');
  return page;
}

const text = (page, selector) => page.textContent(selector);

// Waits until the page knows which server this is.
const knowsServer = (page) => page.waitForFunction(() => proctor.store.server !== null);

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
  // The snapshot is newer than its bookmark: the next ten events repeat a part of it.
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
    const {ProcessRecord} = await import('/live/process_record.js');
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
