// The page of a session.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const rows = (page) =>
  page.$$eval('#process .row:not([hidden])', (all) =>
    all
      .sort((one, other) => one.ariaRowIndex - other.ariaRowIndex)
      .map((row) => row.querySelector('.command').textContent),
  );

test('shows a session with its processes, lease, labels and quotas', async () => {
  const session = server.openSession({
    labels: {team: 'build'},
    policy: 'proactor',
    watcher: 'uring',
    loop: 'proactor',
    lease: '60s',
    lease_expires_at: new Date(Date.now() + 45_500).toISOString(),
    on_lease_expiry: 'LEASE_EXPIRY_KEEP',
    quota: {max_running_processes: '20', max_output_bytes: '4194304'},
  });
  const ended = server.start(['make', 'one'], {session});
  server.finish(ended, {exit_code: 3});
  const running = server.start(['sleep', '100'], {session});
  server.start(['elsewhere']);
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  await page.click(`#processes [data-id="${running}"] .c-session a`);
  await page.waitForSelector(`#process h1:has-text("Session ${session.session_id.slice(0, 8)}")`);
  await page.waitForFunction(
    () => document.querySelector('#process .members .count').textContent === '1 running, 1 ended',
  );
  assert.deepEqual(await rows(page), ['sleep 100', 'make one']);
  assert.match(await page.textContent('#process .sentence'), /Its lease runs out in 4\d s/);
  assert.equal(await page.textContent('#process .chips'), 'teambuild');
  const facts = await page.textContent('#process .facts-list');
  assert.match(facts, /proactor.*uring.*1m 00s|proactor.*uring.*60/);
  assert.match(facts, /thenkeep.*processes1 of 20 at one time.*kept outputat most 4\.0 MiB/);
  // The page shows at once what happens in the session, and a renewed lease soon after.
  const next = server.start(['next'], {session});
  await page.waitForSelector(`#process [data-id="${next}"]`);
  session.lease_expires_at = new Date(Date.now() + 3_600_000).toISOString();
  await page.waitForSelector('#process .sentence:has-text("runs out in 59m")');
  await page.focus('#process .scroller');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#process h1:has-text("next")');
  await page.click('#process .where .session');
  await page.waitForSelector('#process h1:has-text("Session")');
  server.closeSession(session, 'CLIENT_REQUEST');
  await page.waitForSelector('#process .badge:has-text("closed")');
  await page.waitForSelector('#process .sentence:has-text("Closed: client request.")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});

test('is where the ids of sessions lead', async () => {
  const {session_id: session} = server.session;
  const id = server.start(['sleep', '100']);
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  await page.click(`#sessions [data-id="${session}"]`);
  await page.waitForSelector('#process .sentence:has-text("The default session")');
  await page.goto(`${server.url}#/processes/${id}`);
  await page.click(`#process .spec a[href="#/sessions/${session}"]`);
  await page.waitForSelector('#process h1:has-text("Session")');
  await page.click('#process .row a');
  await page.waitForSelector('#process h1:has-text("sleep 100")');
  await close(page);
});

test('says that a session is unknown, with a way back', async () => {
  const page = await open(browser, `${server.url}#/sessions/nobody`);
  await page.waitForSelector('#process .forgotten:has-text("does not know this session")');
  assert.equal(await page.isVisible('#process .members'), false);
  await page.click('#process .forgotten a');
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});
