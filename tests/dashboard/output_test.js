// The page of a process, and how it shows output.
'use strict';

const assert = require('node:assert');
const {test} = require('node:test');
const {close, open, waitForState} = require('./browser');
const {withFakeServer} = require('./fixture');

let browser;
let server;
withFakeServer((made) => ({browser, server} = made));

const lines = (page) =>
  page.$$eval('#process .lines .line', (rows) => rows.map(({textContent}) => textContent));
const waitForLine = (page, wanted) =>
  page.waitForFunction(
    (text) => document.querySelector('#process .lines .line:last-child')?.textContent === text,
    wanted,
  );

async function openProcess(id) {
  const page = await open(browser, `${server.url}#/processes/${id}`);
  await waitForState(page, 'live');
  return page;
}

test('shows output as it comes, styled, and with both streams told apart', async () => {
  const id = server.start(['noisy']);
  const page = await openProcess(id);
  server.write(
    id,
    'plain \u001b[1;31mred\u001b[0m \u001b[38;5;208morange\u001b[m \u001b[48;2;1;2;3mtrue\u001b[0m\n',
  );
  server.write(id, 'oops\n', 'STREAM_STDERR');
  server.write(id, '\u001b]0;a title without end\u001b[35mmagenta\u001b[m\n');
  server.write(id, '10%\r20%\r100%\b\b\b99\n<b>no markup</b>\u001b]0;title\u0007\u001b[2J\u0000\n');
  await waitForLine(page, '<b>no markup</b>');
  assert.deepEqual(await lines(page), [
    'plain red orange true',
    'oops',
    'magenta',
    '199%',
    '<b>no markup</b>',
  ]);
  assert.deepEqual(
    await page.$$eval('#process .line', (rows) => rows.map(({className}) => className)),
    ['line stdout', 'line stderr', 'line stdout', 'line stdout', 'line stdout'],
  );
  assert.deepEqual(
    await page.$$eval('#process .line:first-child span', (runs) =>
      runs.map((run) => [run.className, run.style.color, run.style.backgroundColor]),
    ),
    [
      ['bold fg-1', '', ''],
      ['', 'rgb(255, 135, 0)', ''],
      ['', '', 'rgb(1, 2, 3)'],
    ],
  );
  await close(page);
});

test('says what is missing, and why output ended', async () => {
  const id = server.start(['leaky']);
  server.gap(id, 4096);
  server.write(id, 'rest\n');
  const page = await openProcess(id);
  await waitForLine(page, 'rest');
  assert.deepEqual(await lines(page), ['rest']);
  assert.equal(
    await page.textContent('#process .cut'),
    'Not shown: 4.0 KiB above, 4.0 KiB dropped by the server. Shown: 5 B.',
  );
  server.write(id, 'one\n');
  server.gap(id, 2048);
  server.write(id, 'two\n');
  await waitForLine(page, 'two');
  assert.deepEqual(await lines(page), [
    'rest',
    'one',
    '2.0 KiB of stdout were no longer kept',
    'two',
  ]);
  server.signal(id, 'SIGTERM', 'uid 7 (unix)');
  server.exit(id, {
    signal: 15,
    signal_name: 'SIGTERM',
    cause: 'EXIT_CAUSE_CLIENT_SIGNAL',
    requested_by: 'uid 7 (unix)',
  });
  await page.waitForSelector('#process .ending:has-text("still held open")');
  server.drain(id, {reason: 'DRAIN_REASON_GRACE_EXPIRED', holders: [{pid: 42, command: 'daemon'}]});
  await page.waitForSelector(
    '#process .ending:has-text("others still hold its pipes: daemon (pid 42)")',
  );
  assert.match(
    await page.textContent('#process .sentence'),
    /It was ended by SIGTERM \(15\) after .*, because a client asked for it: uid 7 \(unix\)\./,
  );
  const timeline = await page.$$eval('#process .timeline b', (titles) =>
    titles.map(({textContent}) => textContent),
  );
  assert.deepEqual(timeline, ['Started', 'SIGTERM', 'Ended: SIGTERM', 'Output complete']);
  await close(page);
});

test('knows signals that were sent before it was opened', async () => {
  const id = server.start(['signalled']);
  server.signal(id, 'SIGHUP');
  server.signal(id, 'SIGUSR1');
  const page = await openProcess(id);
  await page.waitForFunction(() => document.querySelectorAll('#process .timeline li').length === 3);
  assert.match(
    await page.textContent('#process .timeline'),
    /SIGHUP.*asked for by uid 1000.*SIGUSR1/,
  );
  await close(page);
});

test('goes on with output after a lost connection, with no byte doubled', async () => {
  const id = server.start(['long']);
  const page = await openProcess(id);
  const written = [];
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 50; index++) {
      written.push(`line ${written.length}`);
      server.write(id, `${written.at(-1)}\n`, 'STREAM_STDOUT');
    }
    await waitForLine(page, written.at(-1));
    server.repeatOutput(id);
    written.push('once more');
    server.write(id, 'once more\n');
    await waitForLine(page, 'once more');
    server.dropConnections();
  }
  written.push('after');
  server.write(id, 'after\n');
  await waitForLine(page, 'after');
  assert.deepEqual(await lines(page), written);
  await close(page);
});

test('lets go of its connection while nobody looks, and misses nothing', async () => {
  const id = server.start(['patient']);
  const page = await openProcess(id);
  server.write(id, 'before\n');
  await waitForLine(page, 'before');
  const setHidden = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', {value, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await setHidden(true);
  assert.equal(await server.readersLeft(0), 0);
  server.write(id, 'meanwhile\n');
  await setHidden(false);
  await waitForLine(page, 'meanwhile');
  assert.deepEqual(await lines(page), ['before', 'meanwhile']);
  await close(page);
});

test('keeps the newest 5,000 lines and says how many are gone', async () => {
  const id = server.start(['flood']);
  const page = await openProcess(id);
  const block = Array.from({length: 1000}, (_, index) => `line ${index}\n`).join('');
  for (let index = 0; index < 12; index++) {
    server.write(id, block);
  }
  server.write(id, 'end\n');
  await waitForLine(page, 'end');
  assert.equal((await lines(page)).length, 5000);
  // The output has 12 blocks of 8,890 bytes, and "end".
  assert.equal(
    await page.textContent('#process .cut'),
    'Not shown: 60.8 KiB above (7,001 lines), 60.8 KiB still kept by the server. Shown: 43.4 KiB.',
  );
  server.drop(id, 20 * 1024);
  server.write(id, 'after\n');
  await page.waitForSelector(
    '#process .cut:has-text("20.0 KiB dropped by the server, 40.8 KiB still kept by the server")',
  );
  server.write(id, 'x'.repeat(3 * 2 ** 20));
  await page.waitForFunction(() =>
    document.querySelector('#process .line:last-child').textContent.startsWith('xxx'),
  );
  assert.ok((await lines(page)).join('').length <= 2 * 2 ** 20);
  await close(page);
});

test('stops following whoever reads, and follows again', async () => {
  const id = server.start(['talker']);
  const page = await openProcess(id);
  server.write(id, Array.from({length: 200}, (_, index) => `${index}\n`).join(''));
  await waitForLine(page, '199');
  await page.hover('#process .lines');
  await page.mouse.wheel(0, -1500);
  await page.waitForSelector('#process button[name=follow][aria-pressed=false]');
  server.write(id, 'more\n');
  await waitForLine(page, 'more');
  const atEnd = () => {
    const {scrollTop, scrollHeight, clientHeight} = document.querySelector('#process .lines');
    return scrollHeight - scrollTop - clientHeight < 2;
  };
  assert.equal(await page.evaluate(atEnd), false);
  await page.keyboard.press('f');
  await page.waitForFunction(atEnd);
  await close(page);
});

test('says of what is above what the server keeps, in bytes and not in characters', async () => {
  const id = server.start(['tailed']);
  server.write(id, 'é\n'.repeat(1.25 * 2 ** 20));
  server.drop(id, 2 ** 20);
  server.write(id, '\u001b[31mred\u001b[0m\n');
  const page = await openProcess(id);
  await waitForLine(page, 'red');
  await page.waitForFunction(() =>
    /^Not shown: 3\.7 MiB above, 1\.0 MiB dropped by the server, 2\.7 MiB still kept by the server\. Shown: 14\.7 KiB\.$/.test(
      document.querySelector('#process .cut').textContent,
    ),
  );
  server.finish(id);
  await page.waitForSelector('#process button[name=follow]:has-text("To the end")');
  await page.hover('#process .lines');
  await page.mouse.wheel(0, -1500);
  await page.waitForFunction(() => {
    const {scrollTop, scrollHeight, clientHeight} = document.querySelector('#process .lines');
    return scrollHeight - scrollTop - clientHeight > 100;
  });
  await page.click('#process button[name=follow]');
  await page.waitForFunction(() => {
    const {scrollTop, scrollHeight, clientHeight} = document.querySelector('#process .lines');
    return scrollHeight - scrollTop - clientHeight < 2;
  });
  await close(page);
});

test('shows the reason of the server where there is no output', async () => {
  const session = server.openSession();
  const id = server.start(['gone'], {session});
  server.finish(id, {unknown: {reason: 'SERVER_LOST'}, cause: 'EXIT_CAUSE_UNSPECIFIED'});
  server.closeSession(session, 'SERVER_LOST');
  server.processes.get(id).survivors = 2;
  const page = await openProcess(id);
  await page.waitForSelector('#process .ending:has-text("No output: the session of process")');
  assert.match(
    await page.textContent('#process .sentence'),
    /Nobody can tell how it ended: the server was lost while the process ran\./,
  );
  await page.waitForSelector(
    '#process .sentence:has-text("2 processes run on in its control group")',
  );
  await page.goto(`${server.url}#/processes/nowhere`);
  await page.waitForSelector('#process .sentence:has-text("no process \'nowhere\'")');
  await page.waitForSelector('#process .forgotten:has-text("does not know this process")');
  assert.equal(await page.isVisible('#process button[name=follow]'), false);
  await page.click('#process .forgotten a');
  await page.waitForSelector('#overview', {state: 'visible'});
  await close(page);
});

test('reads control sequences the same, however they are cut', async () => {
  const page = await open(browser, server.url);
  const differences = await page.evaluate(async () => {
    const {OutputLog} = await import('/output/output_log.js');
    const pieces = [
      'text',
      '\u001b[1m',
      '\u001b[38;2;9;8;7m',
      '\u001b[',
      '31',
      'm',
      '\u001b]8;;http://x\u001b\\',
      '\u001b]0;never ends',
      '\u0007',
      '\r',
      '\n',
      '\b',
      '\u001b[K',
      '\u001b[2K',
      '\u001b(B',
      '\u001bP+q\u001b\\',
      '\u009b4m',
      '\u0000',
      '\t',
      'é😀',
      '\u001b[999999999999m',
      '\u001b[?25l',
      '\u001b[38;5m',
      '\u001b[;;m',
      '\u001b',
    ];
    let state = 1;
    const random = (below) => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    const read = (data, cuts) => {
      const log = new OutputLog();
      let from = 0;
      for (const to of [...cuts, data.length]) {
        log.write('stdout', data.subarray(from, to));
        from = to;
      }
      return JSON.stringify(log.lines.map(({runs}) => runs.filter(({text}) => text !== '')));
    };
    const found = [];
    for (let round = 0; round < 300; round++) {
      const data = new TextEncoder().encode(
        Array.from({length: 40}, () => pieces[random(pieces.length)]).join(''),
      );
      const whole = read(data, []);
      const cut = read(
        data,
        Array.from({length: data.length - 1}, (_, index) => index + 1),
      );
      if (
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(
          JSON.parse(whole)
            .flat()
            .map(({text}) => text)
            .join(''),
        )
      ) {
        found.push(['control', whole]);
      }
      if (
        JSON.stringify(JSON.parse(whole).map((runs) => runs.map(({text}) => text).join(''))) !==
        JSON.stringify(JSON.parse(cut).map((runs) => runs.map(({text}) => text).join('')))
      ) {
        found.push([whole, cut]);
      }
    }
    return found;
  });
  assert.deepEqual(differences, []);
  await close(page);
});
