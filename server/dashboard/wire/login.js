// The login of this browser. It needs two secrets. The cookie cannot be read by scripts, but the
// browser sends it to every port of the host. The proof can only be read by pages from this port,
// and each request sends it as a header. The tabs of a browser tell each other the proof, by a
// channel of this origin.

const KEY = 'proctor-proof';
const UNKNOWN = 'Asking the server what you may do…';
const CODE = /^#code=([\w-]+)$/;

class Login {
  // Called when another tab has signed in or out.
  changed = (signedIn) => {};
  // Why the last link did not sign in. Empty if it did.
  refusal = '';
  // Why this login may only look. Empty if it may act.
  whyNot = UNKNOWN;
  #proof = '';
  // Whether the server refused the proof. Then the proof of another tab is worth a try.
  #refused = false;
  #others = new BroadcastChannel('proctor-login');

  constructor() {
    try {
      this.#proof = sessionStorage.getItem(KEY) ?? '';
    } catch {
      // Without storage, the login lasts as long as the page.
    }
    this.#others.onmessage = ({data}) => this.#hear(data);
    if (this.#proof === '') {
      this.#others.postMessage({asks: true});
    }
  }

  // fetch() with the proof of this login.
  async fetch(url, options = {}) {
    const proof = this.#proof;
    const headers = {...options.headers, ...(proof && {'Proctor-Proof': proof})};
    const response = await fetch(url, {...options, headers});
    if (proof === this.#proof) {
      this.#refused = response.status === 401;
    }
    return response;
  }

  // Whether the address is a link that signs in.
  get hasLink() {
    return CODE.test(location.hash);
  }

  // Uses the link, and takes it out of the address, because it works only once.
  async takeLink() {
    const [, code] = CODE.exec(location.hash);
    history.replaceState(null, '', '#/');
    try {
      const response = await fetch('/login', {method: 'POST', headers: {'Proctor-Code': code}});
      const body = await response.json();
      if (response.ok) {
        this.#keep(body.proof);
        this.#others.postMessage({proof: body.proof, begun: true});
      } else {
        this.refusal = body.error?.message ?? '';
      }
    } catch {
      this.refusal = 'the server did not answer: open the link again';
    }
  }

  // Asks the server what this login may do.
  async learn() {
    try {
      const response = await this.fetch('/v1/login');
      const {may_act: mayAct, why_not: whyNot} = await response.json();
      if (response.ok) {
        this.whyNot = mayAct ? '' : whyNot || 'You may only look.';
      }
    } catch {
      // The page asks again once the server is back.
    }
  }

  // Ends the login, for the other tabs, too.
  async end() {
    try {
      await this.fetch('/logout', {method: 'POST'});
    } catch {
      // A server that is gone has no logins any more.
    }
    this.#others.postMessage({ended: true});
    this.#forget();
  }

  #hear({asks, proof, begun, ended}) {
    if (asks && this.#proof !== '' && !this.#refused) {
      this.#others.postMessage({proof: this.#proof});
    } else if (proof) {
      // All tabs share the cookie of the newest login, so they take its proof, too: a tab that
      // could only look may act by it.
      if (begun || this.#proof === '' || this.#refused) {
        this.#keep(proof);
      }
      this.changed(true);
    } else if (ended) {
      this.#forget();
      this.changed(false);
    }
  }

  #keep(proof) {
    this.#proof = proof;
    this.#refused = false;
    this.refusal = '';
    try {
      sessionStorage.setItem(KEY, proof);
    } catch {
      // Without storage, the login lasts as long as the page.
    }
  }

  #forget() {
    this.#proof = '';
    this.whyNot = UNKNOWN;
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // Without storage, nothing was kept.
    }
  }
}

// The one login of the page.
export const login = new Login();
