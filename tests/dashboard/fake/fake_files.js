// Serves the files of the dashboard, as proctord does.
'use strict';

const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {reply} = require('./fake_reply');

const DASHBOARD = path.resolve(__dirname, '../../../server/dashboard');
const XTERM = process.env.PROCTOR_XTERM_DIR ?? '/usr/share/nodejs/xterm/lib';
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
let xterm = null;

// Serves xterm, made by the script of proctord's build.
function serveXterm(name, response) {
  if (name === '/xterm.css') {
    return reply(response, 200, fs.readFileSync(`${XTERM}/xterm.css`), TYPES['.css']);
  }
  if (xterm === null) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'proctor-xterm-'));
    const made = path.join(directory, 'xterm.js');
    const script = path.resolve(DASHBOARD, '../page/bundle_xterm.cmake');
    execFileSync('cmake', [`-DOUTPUT=${made}`, `-DROOT=${XTERM}`, '-P', script]);
    xterm = fs.readFileSync(made);
    fs.rmSync(directory, {recursive: true});
  }
  return reply(response, 200, xterm, TYPES['.js']);
}

function serveSignIn(response) {
  return reply(response, 401, fs.readFileSync(`${DASHBOARD}/sign_in.html`), TYPES['.html']);
}

// `name` is the path of a URL object, so it has no '..'.
function serveFile(name, response) {
  if (name === '/xterm.js' || name === '/xterm.css') {
    return serveXterm(name, response);
  }
  const file = path.join(DASHBOARD, name === '/' ? 'index.html' : name);
  const type = TYPES[path.extname(file)];
  if (type === undefined || !fs.existsSync(file)) {
    return reply(response, 404, {});
  }
  response.writeHead(200, {'Content-Type': type, 'Cache-Control': 'no-cache'});
  return response.end(fs.readFileSync(file));
}

module.exports = {serveFile, serveSignIn};
