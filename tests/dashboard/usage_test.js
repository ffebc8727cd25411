// What running processes use, and how often the page asks for it.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const hasText = (page, selector, wanted) =>
  page.waitForSelector(`${selector}:has-text("${wanted}")`);

test('shows CPU and memory of what runs, on the table and on the pages', async () => {
  const id = server.start(['burn']);
  const quiet = server.start(['sleep', '100']);
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  const row = `#processes [data-id="${id}"]`;
  await hasText(page, `${row} .c-rss`, '1.0 MiB');
  assert.equal(await page.textContent(`${row} .c-cpu`), '–');
  const limit = {memory_bytes: '52428800', memory_limit_bytes: '268435456'};
  const source = 'USAGE_SOURCE_GROUP';
  // Two seconds later, the process has used three seconds more.
  server.usages.set(id, {clock: '102.5s', cpu_time: '3.250s', source, ...limit});
  await hasText(page, `${row} .c-cpu`, '150 %');
  await hasText(page, `${row} .c-rss`, '50.0 MiB');
  await page.click('#processes [data-column=cpu] button');
  await page.waitForFunction(
    (first) => document.querySelector(`#processes [data-id="${first}"]`).ariaRowIndex === '2',
    id,
  );
  await page.click(`${row} .c-command a`);
  await hasText(page, '#process .usage', '50.0 MiB of 256 MiB');
  await hasText(page, '#process .usage', '150 %');
  // A time that falls means no use. The same sample means the same use.
  server.usages.set(id, {clock: '103.5s', cpu_time: '2s', source, ...limit});
  await hasText(page, '#process .usage', 'CPU now0.0 %');
  await page.click('#process .where .session');
  await hasText(page, `#process [data-id="${id}"]`, '50.0 MiB');
  await page.goto(`${server.url}#/processes/${id}`);
  server.finish(id);
  await hasText(page, '#process .usage', 'max RSS');
  assert.doesNotMatch(await page.textContent('#process .usage'), /CPU now/);
  server.finish(quiet);
  await close(page);
});

test('asks once a second at most, and only while something that runs is looked at', async () => {
  const page = await open(browser, server.url, {clock: true});
  await waitForState(page, 'live');
  await page.clock.runFor(5000);
  assert.deepEqual(server.usagesAsked, []);
  const id = server.start(['sleep', '100']);
  await page.waitForSelector(`#processes [data-id="${id}"]`, {state: 'attached'});
  await Promise.all([page.waitForResponse(/v1\/usage/), page.clock.runFor(1000)]);
  await page.clock.runFor(1000);
  assert.ok(server.usagesAsked.length <= 2, String(server.usagesAsked));
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', {value, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  // One request may have been on its way.
  await page.evaluate(() => fetch('/v1/server'));
  const before = server.usagesAsked.length;
  await page.clock.runFor(5000);
  await page.evaluate(() => fetch('/v1/server'));
  assert.equal(server.usagesAsked.length, before);
  await hide(false);
  await Promise.all([page.waitForResponse(/v1\/usage/), page.clock.runFor(1000)]);
  server.finish(id);
  await page.waitForFunction(() => proctor.store.running === 0);
  await page.evaluate(() => fetch('/v1/server'));
  const last = server.usagesAsked.length;
  await page.clock.runFor(5000);
  await page.evaluate(() => fetch('/v1/server'));
  assert.equal(server.usagesAsked.length, last);
  await close(page);
});

test('asks for all of a session, however many pages they take', async () => {
  server.usagesPage = 2;
  const ids = [1, 2, 3, 4, 5].map((index) => server.start(['sleep', String(index)]));
  const page = await open(browser, `${server.url}#/sessions/${server.session.session_id}`);
  await waitForState(page, 'live');
  for (const id of ids) {
    await hasText(page, `#process [data-id="${id}"]`, '1.0 MiB');
  }
  await close(page);
});

test('asks for those in sight alone, where very many run', async () => {
  for (let index = 0; index < 600; index++) {
    server.start(['sleep', String(index)]);
  }
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  await hasText(page, '#processes .row:not([hidden]) .c-rss', '1.0 MiB');
  const asked = new URLSearchParams(server.usagesAsked.at(-1)).getAll('process_id');
  assert.ok(asked.length > 5 && asked.length < 100, String(asked.length));
  await close(page);
});
