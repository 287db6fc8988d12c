// What the responder tapped, kept on the phone until the desk has it: in order, once each by its nonce, and never when
// it is older than an hour, because then it says nothing about now. `carehub` is shared by this page's three scripts.
const carehub = {};
(() => {
  'use strict';
  const MOST = 20; // waiting taps: a visit has five
  const OLDEST_MS = 3_600_000;
  const TOLD_MOST = 5; // sentences about taps that came to nothing
  const ANSWER_MS = 20_000; // the slowest line that still is one
  const FIRST_PAUSE_MS = 2_000;
  const LONGEST_PAUSE_MS = 30_000;
  const FORGET_MS = 13 * 3_600_000; // links live 12 hours
  const KEEPALIVE_CHARS = 50_000;
  const PREFIX = 'carehub.call.';
  const memory = new Map(); // where a browser keeps nothing, what is waiting lives as long as the page

  carehub.read = (key) => {
    try { return JSON.parse(localStorage.getItem(key) ?? 'null') ?? memory.get(key) ?? null; } catch { return memory.get(key) ?? null; }
  };
  carehub.write = (key, value) => {
    memory.set(key, value);
    try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden: memory has it */ }
  };
  carehub.now = () => Date.now() + (carehub.read('carehub.skew') ?? 0); // the hub's time, as this phone knows it
  carehub.nonce = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

  function forgetOldCalls() {
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && Date.now() - (carehub.read(key)?.used ?? 0) > FORGET_MS) localStorage.removeItem(key);
    } catch { /* nothing is kept, so nothing is old */ }
  }

  // Return the answer's JSON, or throw: a café's sign-in page, a proxy's error and silence are all "no line".
  carehub.ask = async (path, init = {}) => {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), ANSWER_MS);
    try {
      const answer = await fetch(path, { cache: 'no-store', redirect: 'manual', credentials: 'same-origin', signal: giveUp.signal, ...init });
      const json = (answer.headers.get('content-type') ?? '').startsWith('application/json');
      if (answer.status >= 500) throw Object.assign(new Error('server'), { server: true });
      if (!json) throw new Error('not ours');
      return { status: answer.status, body: await answer.json() };
    } finally { clearTimeout(timer); }
  };

  carehub.Taps = class {
    constructor(token, { changed, answered, path = `/r/${token}/answer`, oldest = OLDEST_MS, headers = {} }) {
      this.key = PREFIX + token;
      this.path = path;
      this.oldest = oldest;
      this.headers = headers;
      this.changed = changed;
      this.answered = answered;
      this.pause = FIRST_PAUSE_MS;
      forgetOldCalls();
      addEventListener('online', () => this.now());
      addEventListener('pagehide', () => this.#leave());
      addEventListener('storage', (e) => { if (e.key === this.key) this.changed(); });
      document.addEventListener('visibilitychange', () => { if (!document.hidden) this.now(); });
    }

    get kept() { return { taps: [], told: [], known: null, ...carehub.read(this.key) }; }

    keep(changes) {
      carehub.write(this.key, { ...this.kept, ...changes, used: Date.now() });
      this.changed();
    }

    // Write it down, then send. Nothing that happens to the page afterwards can lose it.
    add(verb, { nonce = carehub.nonce(), to = '', wait = 0, more = {}, often = verb === 'cannot_go' } = {}) {
      const { taps } = this.kept;
      const since = taps.slice(taps.findLastIndex((t) => t.verb === 'mistake') + 1); // what was taken back may be said again
      if (taps.some((t) => t.nonce === nonce) || since.some((t) => t.verb === verb && !often)) return null;
      if (taps.length >= MOST) { this.tell({ verb, at: carehub.now() }, 'full'); return null; }
      const tap = { verb, nonce, to, more, at: carehub.now(), until: wait ? Date.now() + wait : 0 };
      this.keep({ taps: [...taps, tap] });
      this.now();
      return tap;
    }

    place(nonce, position) {
      this.keep({ taps: this.kept.taps.map((t) => (t.nonce === nonce ? { ...t, position, until: 0 } : t)) });
      this.now();
    }

    tell(tap, why, text = '') {
      this.keep({ told: [...this.kept.told, { verb: tap.verb, at: tap.at, why, text }].slice(-TOLD_MOST) });
    }

    now() {
      this.pause = FIRST_PAUSE_MS;
      clearTimeout(this.timer);
      this.flush();
    }

    // The link has ended: what waits will never be sent, and he must hear it.
    expire() {
      const { taps } = this.kept;
      this.keep({ taps: [] });
      for (const tap of taps) this.tell(tap, 'expired');
    }

    async flush() {
      if (this.busy) { this.again = true; return; }
      this.busy = true;
      const all = async () => { while (await this.#first()); };
      try { await (navigator.locks ? navigator.locks.request(this.key, all) : all()); } finally {
        this.busy = false;
        if (this.again) { this.again = false; this.flush(); }
      }
    }

    #said(tap) {
      const said = { verb: tap.verb, nonce: tap.nonce, to: tap.to, tapped_at: new Date(tap.at).toISOString(), ...tap.more };
      if (tap.position) said.position = tap.position;
      const body = JSON.stringify(said); // what may outlive the page is small: a photo waits for the next one
      return { method: 'POST', keepalive: body.length < KEEPALIVE_CHARS, headers: { 'Content-Type': 'application/json', ...this.headers }, body };
    }

    // The page goes, and the lock may not have been given yet: the first in the row is said all the same. It stays
    // written down: said again under its nonce, it changes nothing.
    #leave() {
      const [tap] = this.kept.taps;
      if (tap && carehub.now() - tap.at <= this.oldest) fetch(this.path, { ...this.#said(tap), redirect: 'manual' }).catch(() => {});
    }

    // Send the first in the row. Returns whether the next may be tried at once.
    async #first() {
      const [tap] = this.kept.taps;
      if (!tap) return false;
      if (carehub.now() - tap.at > this.oldest) { this.#drop(tap); this.tell(tap, 'old'); return true; }
      if (tap.until > Date.now()) { this.#again(tap.until - Date.now()); return false; }
      let answer;
      try {
        answer = await carehub.ask(this.path, this.#said(tap));
      } catch (error) {
        this.answered(null, error);
        this.#again(this.pause);
        this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
        return false;
      }
      return this.#settled(tap, answer);
    }

    #settled(tap, { status, body }) {
      if (![200, 409, 410, 422].includes(status)) { this.#again(this.pause); this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS); return false; }
      if (status === 410) this.expire(); else this.#drop(tap);
      if (![200, 410].includes(status)) this.tell(tap, 'overtaken', body.text ?? '');
      this.answered({ tap, status, body });
      return true;
    }

    #drop(tap) { this.keep({ taps: this.kept.taps.filter((t) => t.nonce !== tap.nonce) }); }

    #again(ms) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.flush(), ms);
    }
  };
})();
