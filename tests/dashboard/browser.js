// A headless Chromium. Its pages must not write errors to the console.
'use strict';

const assert = require('node:assert');
const {chromium} = require('playwright-core');

const TIMEOUT_MS = 20_000;
// Neither is a fault of the page: a server that is away, and a library that reads its own drawings
// slowly.
const EXPECTED = /^Failed to load resource|^Canvas2D: Multiple readback operations/;

async function launch() {
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({executablePath: process.env.CHROMIUM, args: sandbox});
}

// Opens `url` in a context of its own. `page.complaints` collects the errors of the console and of
// the page's policy.
async function open(browser, url, options = {}) {
  const {clock = false, ...rest} = options;
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...rest});
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) {
      page.complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => page.complaints.push(String(error.stack)));
  if (clock) {
    await page.clock.install();
  }
  await page.goto(url);
  return page;
}

async function close(page) {
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

// Waits until the page shows this state.
function waitForState(page, state) {
  return page.waitForSelector(`#pill[data-state="${state}"]`);
}

// Waits until the page has applied the event of this sequence.
function waitForSequence(page, sequence) {
  return page.waitForFunction((wanted) => proctor.store.position?.sequence >= wanted, sequence);
}

module.exports = {close, launch, open, waitForSequence, waitForState};
