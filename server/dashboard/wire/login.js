// Who this browser is to the server. It is signed in by two secrets: a cookie, which scripts
// cannot see, but which goes to every port of the host; and the proof, which only pages from this
// very port can read, and which each request shows as a header.

const KEY = 'proctor-proof';
const UNKNOWN = 'Asking the server what you may do…';
const CODE = /^#code=([\w-]+)$/;

class Login {
  // Told when another tab has signed in, or out.
  changed = (signedIn) => {};
  // Why the last link did not sign in; empty if it did.
  refusal = '';
  // Why who is signed in may only look; empty for who may act.
  whyNot = UNKNOWN;
  #proof = '';
  // Whether the server refused the proof, so that that of another tab is worth a try.
  #refused = false;
  #others = new BroadcastChannel('proctor-login');

  constructor() {
    try {
      this.#proof = sessionStorage.getItem(KEY) ?? '';
    } catch {
      // A browser that keeps nothing is signed in for as long as the page.
    }
    this.#others.onmessage = ({data}) => this.#hear(data);
    if (this.#proof === '') {
      this.#others.postMessage({asks: true});
    }
  }

  // fetch, as who this is.
  async fetch(url, options = {}) {
    const proof = this.#proof;
    const headers = {...options.headers, ...(proof && {'Proctor-Proof': proof})};
    const response = await fetch(url, {...options, headers});
    if (proof === this.#proof) {
      this.#refused = response.status === 401;
    }
    return response;
  }

  // Whether the page was opened by a link that signs in.
  get hasLink() {
    return CODE.test(location.hash);
  }

  // Uses that link, and takes it out of the address: it holds once.
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

  // Asks the server what this login may do. Told anew where it is not known any more.
  async learn() {
    try {
      const response = await this.fetch('/v1/login');
      const {may_act: mayAct, why_not: whyNot} = await response.json();
      if (response.ok) {
        this.whyNot = mayAct ? '' : whyNot || 'You may only look.';
      }
    } catch {
      // Asked again once the server is back.
    }
  }

  // Ends the login, that of the other tabs, too.
  async end() {
    try {
      await this.fetch('/logout', {method: 'POST'});
    } catch {
      // A server that is gone knows nobody any more.
    }
    this.#others.postMessage({ended: true});
    this.#forget();
  }

  #hear({asks, proof, begun, ended}) {
    if (asks && this.#proof !== '' && !this.#refused) {
      this.#others.postMessage({proof: this.#proof});
    } else if (proof) {
      // The cookie is that of the login which has just begun: one who only looked acts by it, too.
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
      // Then it lasts as long as the page.
    }
  }

  #forget() {
    this.#proof = '';
    this.whyNot = UNKNOWN;
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // Nothing was kept.
    }
  }
}

// A page has one.
export const login = new Login();
