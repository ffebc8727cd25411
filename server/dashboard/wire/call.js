// Calls about one process. Their errors are in words.
import {login} from './login.js';

export class CallError extends Error {
  // `reason` is the server's, in UPPER_SNAKE. It is empty if no server answered.
  constructor(message, status = 0, reason = '') {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

// Calls `verb` on a process with a request in JSON. Returns the response.
export async function call(id, verb, body = {}) {
  let response;
  let answer;
  try {
    response = await login.fetch(`/v1/processes/${encodeURIComponent(id)}:${verb}`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch {
    throw new CallError('The server did not answer. Whether it heard the request is not known.');
  }
  if (!response.ok) {
    const {message, reason} = answer.error ?? {};
    throw new CallError(
      message || `The server refuses it (HTTP ${response.status}).`,
      response.status,
      reason ?? '',
    );
  }
  return answer;
}

// Returns the proctor.v1.Process of an id.
export async function readProcess(id) {
  let response;
  let body;
  try {
    response = await login.fetch(`/v1/processes/${encodeURIComponent(id)}`);
    body = await response.json();
  } catch {
    throw new CallError('The server does not answer.');
  }
  if (!response.ok) {
    const {message, reason} = body.error ?? {};
    throw new CallError(
      message || `The server refuses it (HTTP ${response.status}).`,
      response.status,
      reason ?? '',
    );
  }
  return body.process;
}

// Returns a new id for a request. randomUUID() is absent from pages that came by plain HTTP from
// another machine.
export function requestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}
