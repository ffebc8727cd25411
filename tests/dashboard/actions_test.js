// The actions of the page on processes: it asks first, acts by its login, and says what went wrong.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');
const {randomId} = require('./fake/fake_world');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

async function openProcess(id) {
  const page = await open(browser, `${server.url}#/processes/${id}`);
  await waitForState(page, 'live');
  await page.waitForSelector('#process .actions .why:empty', {state: 'attached'});
  // The page has read the process, and knows which keys are its own.
  await page.waitForSelector('#process button[name=download]:enabled');
  return page;
}

const action = (name) => `#process [data-action=${name}]`;
const asked = (page) => page.waitForSelector('#ask[open]');
const answered = (page) => page.waitForSelector('#ask', {state: 'detached'});
const focused = (page) => page.evaluate(() => document.activeElement.textContent);
const off = (page) =>
  page.$$eval('#process [data-action]', (buttons) =>
    buttons.filter(({disabled}) => disabled).map(({dataset}) => dataset.action),
  );

test('stops a process with a grace, as who is signed in', async () => {
  server.proof = 'of-this-run';
  const code = randomId();
  server.codes.add(code);
  const id = server.start(['sleep', '100'], {
    spec: {stop_policy: {signal: 'INT', grace: '3s', scope: 'SIGNAL_SCOPE_TREE'}},
  });
  const page = await open(browser, `${server.url}#code=${code}`);
  await waitForState(page, 'live');
  await page.click(`#processes [data-id="${id}"] a`);
  await page.click(`${action('stop')}:enabled`);
  await asked(page);
  assert.match(await page.textContent('#ask'), /sleep 100.*SIGINT.*SIGKILL/s);
  assert.equal(await page.inputValue('#ask [name=grace]'), '3');
  assert.equal(await focused(page), 'Cancel');
  await page.fill('#ask [name=grace]', 'soon');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#ask .trouble:has-text("not \'soon\'")');
  await page.fill('#ask [name=grace]', '0.5');
  await page.keyboard.press('Enter');
  await answered(page);
  await page.waitForSelector('#process .badge:has-text("SIGINT")');
  assert.deepEqual(server.calls, [
    {
      id,
      verb: 'stop',
      body: {stop_policy: {grace: '0.5s'}},
      proof: 'of-this-run',
    },
  ]);
  assert.deepEqual(await off(page), ['stop', 'kill', 'signal']);
  await close(page);
});

test('kills with the keyboard alone, and only when it is meant', async () => {
  const id = server.start(['sleep', '100']);
  const page = await openProcess(id);
  await page.keyboard.press('x');
  await asked(page);
  // Enter alone ends nothing: it may have been typed for a shell.
  await page.keyboard.press('Enter');
  await answered(page);
  await page.keyboard.press('x');
  await asked(page);
  await page.keyboard.press('Escape');
  await answered(page);
  assert.deepEqual(server.calls, []);
  // Escape closed the question, not the page.
  await page.waitForSelector('#process h1:has-text("sleep 100")');
  await page.keyboard.press('x');
  await asked(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await answered(page);
  assert.deepEqual(server.calls[0].body, {signal: 'KILL', scope: 'SIGNAL_SCOPE_GROUP'});
  await page.waitForSelector('#process .badge:has-text("SIGKILL")');
  await close(page);
});

test('takes no letter for a key on the page of a terminal', async () => {
  const id = server.start(['bash'], {spec: {pty: {}}});
  const page = await openProcess(id);
  await page.waitForSelector('#process .xterm');
  for (const word of ['ls', 'exit', 'r']) {
    await page.keyboard.type(word);
    await page.keyboard.press('Enter');
    assert.equal(await page.$('#ask'), null);
  }
  await page.evaluate(() => fetch('/v1/server'));
  assert.deepEqual(server.calls, []);
  // The buttons are drawn.
  await page.click(action('stop'));
  await asked(page);
  await close(page);
});

test('stops from the overview as the process was told to be stopped', async () => {
  const stop_policy = {signal: 'INT', grace: '3s', scope: 'SIGNAL_SCOPE_TREE'};
  const ids = [1, 2, 3].map(() => server.start(['sleep', '100'], {spec: {stop_policy}}));
  // An event may leave out parts of the specification.
  for (const event of server.events.filter(({process_started: started}) => started)) {
    event.process_started.process.spec = {argv: ['sleep', '100'], labels: {}};
  }
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  const stop = async (id) => {
    await page.hover(`#processes [data-id="${id}"]`);
    await page.click(`#processes [data-id="${id}"] [data-action=stop]`);
    await asked(page);
  };
  await stop(ids[0]);
  assert.match(await page.textContent('#ask'), /SIGINT/);
  assert.equal(await page.inputValue('#ask [name=grace]'), '3');
  await page.click('#ask .danger');
  await answered(page);
  await stop(ids[1]);
  await page.fill('#ask [name=grace]', '7');
  await page.click('#ask .danger');
  await answered(page);
  // If the process cannot be read, the question names no numbers.
  await page.route(`**/v1/processes/${ids[2]}`, (route) => route.abort());
  await stop(ids[2]);
  assert.match(await page.textContent('#ask'), /its stop signal/);
  assert.equal(await page.inputValue('#ask [name=grace]'), '');
  await page.click('#ask .danger');
  await answered(page);
  assert.deepEqual(
    server.calls.map(({body}) => body),
    [{}, {stop_policy: {grace: '7s'}}, {}],
  );
  for (const id of ids) {
    await page.waitForSelector(`#processes [data-id="${id}"] .word:has-text("SIGINT")`);
  }
  await close(page);
});

test('sends a signal that is chosen, to whom is chosen', async () => {
  const id = server.start(['nginx']);
  const page = await openProcess(id);
  await page.click(action('signal'));
  await page.selectOption('#ask [name=signal]', 'HUP');
  await page.selectOption('#ask [name=scope]', 'SIGNAL_SCOPE_TREE');
  await page.selectOption('#ask [name=signal]', 'USR1');
  await page.click('#ask button[type=submit]');
  await answered(page);
  assert.deepEqual(server.calls[0].body, {signal: 'USR1', scope: 'SIGNAL_SCOPE_TREE'});
  await page.waitForSelector('#process .timeline:has-text("SIGUSR1")');
  await close(page);
});

test('starts again what has ended, once, and goes to it', async () => {
  const id = server.start(['make', 'all'], {labels: {app: 'ci'}});
  server.finish(id, {exit_code: 2});
  const page = await openProcess(id);
  assert.deepEqual(await off(page), ['stop', 'kill', 'signal']);
  server.refusal = [503, 'UNAVAILABLE', 'BUSY', 'try again'];
  await page.click(action('restart'));
  await page.click('#ask button[type=submit]');
  await page.waitForSelector('#ask .trouble:has-text("try again")');
  server.refusal = null;
  await page.click('#ask button[type=submit]');
  await answered(page);
  await page.waitForSelector('#process .badge.running');
  assert.equal(server.processes.size, 2);
  assert.equal(server.calls[0].body.request_id, server.calls[1].body.request_id);
  const [, again] = server.processes.keys();
  assert.equal(new URL(page.url()).hash, `#/processes/${again}`);
  await close(page);
});

test('starts in the default session what was in one that is closed', async () => {
  const session = server.openSession();
  const id = server.start(['make'], {session});
  server.finish(id);
  server.closeSession(session);
  const page = await openProcess(id);
  await page.keyboard.press('r');
  await page.waitForSelector('#ask:has-text("starts in the default session")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#process .badge.running');
  assert.equal(server.calls[0].body.session_id, server.session.session_id);
  await close(page);
});

test('restarts what runs: stops it, then starts it again', async () => {
  const id = server.start(['serve']);
  const page = await openProcess(id);
  await page.click(`${action('restart')}:has-text("Restart")`);
  await page.waitForSelector('#ask:has-text("stopped first")');
  await page.click('#ask .danger');
  await answered(page);
  assert.deepEqual(
    server.calls.map(({verb}) => verb),
    ['stop', 'restart'],
  );
  await page.waitForSelector('#process .badge.running');
  await close(page);
});

test('starts nothing again once the question was left, and stays where it is', async () => {
  const id = server.start(['serve']);
  const page = await openProcess(id);
  let answer;
  server.callsHeld = new Promise((resolve) => {
    answer = resolve;
  });
  await page.click(`${action('restart')}:has-text("Restart")`);
  await Promise.all([page.waitForRequest(/:stop$/), page.click('#ask .danger')]);
  await page.click('#ask button:has-text("Cancel")');
  await answered(page);
  answer();
  await page.waitForSelector('#process .badge:has-text("SIGTERM")');
  await page.evaluate(() => fetch('/v1/server'));
  assert.deepEqual(
    server.calls.map(({verb}) => verb),
    ['stop'],
  );
  assert.equal(new URL(page.url()).hash, `#/processes/${id}`);
  await close(page);
});

test('forgets what has ended', async () => {
  const id = server.start(['true']);
  const page = await openProcess(id);
  assert.deepEqual(await off(page), ['remove']);
  server.finish(id);
  await page.click(`${action('remove')}:enabled`);
  await page.click('#ask .danger');
  await answered(page);
  await page.waitForSelector('#process .sentence:has-text("no longer lists it")');
  assert.deepEqual(await off(page), ['stop', 'kill', 'signal', 'restart', 'remove']);
  await close(page);
});

test("says the server's reason, and that nobody answered", async () => {
  const id = server.start(['sleep', '100']);
  const page = await openProcess(id);
  server.refusal = [504, 'DEADLINE_EXCEEDED', 'STOP_TIMEOUT', 'a debugger holds it'];
  await page.click(action('stop'));
  await page.click('#ask .danger');
  await page.waitForSelector('#ask .trouble[role=alert]:has-text("a debugger holds it")');
  server.callsHeld = new Promise(() => {});
  await page.click('#ask .danger');
  await page.waitForSelector('#ask .danger:disabled:has-text("Stopping")');
  // A browser repeats a request by itself after a broken connection.
  server.holdConnections();
  await page.waitForSelector('#ask .trouble:has-text("The server did not answer")');
  await page.click('#ask button:has-text("Cancel")');
  await answered(page);
  await close(page);
});

test('offers nothing to who may only look, and says why', async () => {
  server.whyNot = 'you are signed in to look only';
  const id = server.start(['sleep', '100']);
  const page = await open(browser, `${server.url}#/processes/${id}`);
  await page.waitForSelector('#process .actions .why:has-text("signed in to look only")');
  assert.deepEqual(await off(page), ['stop', 'kill', 'signal', 'restart', 'remove']);
  assert.equal(await page.getAttribute(action('stop'), 'title'), server.whyNot);
  await page.keyboard.press('x');
  assert.equal(await page.$('#ask'), null);
  // A link to act that is opened in another tab lets the whole login act.
  server.whyNot = '';
  server.proof = 'of-this-run';
  server.codes.add('better');
  const beside = await page.context().newPage();
  await beside.goto(`${server.url}#code=better`);
  await page.waitForSelector(`${action('stop')}:enabled`);
  await close(page);
});

test('offers on a row what can be done to it', async () => {
  const running = server.start(['sleep', '100']);
  const ended = server.start(['true'], {at: Date.now() - 5000});
  server.finish(ended);
  const page = await open(browser, server.url);
  await waitForState(page, 'live');
  const offers = async (id) => {
    await page.hover(`#processes [data-id="${id}"]`);
    return page.$$eval(`#processes [data-id="${id}"] [data-action]:not([hidden])`, (buttons) =>
      buttons.map(({ariaLabel}) => ariaLabel),
    );
  };
  await page.waitForSelector(`#processes [data-id="${running}"] [data-action=stop]:not([hidden])`, {
    state: 'attached',
  });
  assert.deepEqual(await offers(ended), ['Start again']);
  assert.deepEqual(await offers(running), ['Stop', 'Kill', 'Start again']);
  await page.click(`#processes [data-id="${running}"] [data-action=kill]`);
  await asked(page);
  assert.equal(new URL(page.url()).hash, '');
  await page.click('#ask .danger');
  await page.waitForSelector(`#processes [data-id="${running}"] .word:has-text("SIGKILL")`);
  await page.focus('#processes .scroller');
  await page.keyboard.press('r');
  await page.waitForSelector('#ask .subject:has-text("sleep 100")');
  await close(page);
});
