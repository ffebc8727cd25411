// A proctord for one test, and the command that talks to it.
'use strict';

const {execFile, spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {promisify} = require('node:util');

const TIMEOUT_MS = 30_000;
const run = promisify(execFile);

class Proctord {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'proctor-dashboard-'));
  #target = `unix:${this.directory}/proctord.sock`;

  // Runs the client. Resolves with its output. The exit code of a process is no error.
  async proctor(...args) {
    const all = [`--host=${this.#target}`, ...args];
    try {
      return (await run(process.env.PROCTOR, all, {timeout: TIMEOUT_MS})).stdout;
    } catch (error) {
      if (error.code === 125 || typeof error.code !== 'number') {
        throw error;
      }
      return error.stdout;
    }
  }

  // Returns a link that signs in once.
  async link() {
    return (await this.proctor('dashboard')).trim();
  }

  // Starts the server and waits until it serves. Returns {url, port, kill(signal)}.
  async start(port = 0) {
    const child = spawn(
      process.env.PROCTORD,
      [
        `--listen=${this.#target}`,
        `--http=127.0.0.1:${port}`,
        '--http-host=localhost',
        `--state-dir=${this.directory}/state`,
        '--ready-fd=3',
      ],
      {stdio: ['ignore', 'pipe', 'pipe', 'pipe']},
    );
    const exited = once(child, 'exit');
    let said = '';
    const url = new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          said += chunk;
          const match = /dashboard url=(\S+)/.exec(said);
          if (match) {
            resolve(match[1]);
          }
        });
      }
    });
    const failed = exited.then(() => {
      throw new Error(`proctord ended before it was ready: ${said}`);
    });
    // Once it is ready, only the test ends it.
    failed.catch(() => {});
    await Promise.race([once(child.stdio[3], 'data'), failed]);
    const where = await Promise.race([url, failed]);
    return {
      url: where,
      port: Number(new URL(where).port),
      kill: async (signal) => {
        child.kill(signal);
        await exited;
      },
    };
  }

  remove() {
    fs.rmSync(this.directory, {recursive: true, force: true});
  }
}

module.exports = {Proctord};
