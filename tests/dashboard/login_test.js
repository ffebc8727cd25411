// How the page signs in and out.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForSequence, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {randomId} = require('./fake/fake_world');
const {commands, waitForCommands} = require('./overview');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

async function live(options) {
  const page = await open(browser, server.url, options);
  await waitForState(page, 'live');
  return page;
}

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

// Returns a link to the page with a code that the server takes once.
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
  // Another run of the server has no logins. One new link signs in both tabs.
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
