// The fixture of most tests: one browser for a file, and one fake server for each test.
'use strict';

const {after, before, beforeEach, afterEach} = require('node:test');
const {launch} = require('./browser');
const {FakeServer} = require('./fake/fake_server');

// Calls `take` with both before each test.
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
