// What most tests of the page stand on: one browser for all of a file, and a server that only
// pretends for each test.
'use strict';

const {after, before, beforeEach, afterEach} = require('node:test');
const {launch} = require('./browser');
const {FakeServer} = require('./fake_server');

// Hands both to `take` before each test.
function withFakeServer(take) {
  let browser;
  let server;

  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  beforeEach(async () => {
    server = new FakeServer({heartbeatMs: 1000});
    await server.listen();
    take({browser, server});
  });
  afterEach(() => server.stop());
}

module.exports = {withFakeServer};
