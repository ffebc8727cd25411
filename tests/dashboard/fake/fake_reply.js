// Single answers of a FakeServer.
'use strict';

// Sends a Buffer as it is, and other values as JSON.
function reply(response, status, body, type = 'application/json') {
  response.writeHead(status, {'Content-Type': type, 'Cache-Control': 'no-store'});
  response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

function refusal(reason, message) {
  return {error: {code: 'UNAUTHENTICATED', reason, message, metadata: {}}};
}

module.exports = {refusal, reply};
