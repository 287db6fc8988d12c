// The console's behaviour: what the live stream says, what is rung, what was shown, and the keys.
(() => {
  'use strict';
  const SILENT_MS = 11000; // beats come every 4 s: two missed and the line is called lost
  const EVERYTHING_MS = 15000;
  const { span, set, tick } = window.carehubClock;
  const bell = window.carehubBell;
  const by = (id) => document.getElementById(id);
  const body = document.body;
  const csrf = document.querySelector('meta[name=csrf]').content;
  let stream = '';
  let heard = performance.now();
  let lostSince = null;
  let connection = null;
  let known = null; // incident -> presses; null until the first queue has been read
  const confirmed = new Set();

  const say = (name) => body.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  const openCase = () => { const found = document.querySelector('[data-case]'); return found ? Number(found.dataset.case) : null; };

  // --- fetching again, at most every 120 ms however much happens, and seldomer when the answers are slow
  let gap = 120;
  let asked = 0;
  by('queue').addEventListener('htmx:before:request', (event) => { if (event.target.id === 'queue') asked = performance.now(); });
  by('queue').addEventListener('htmx:after:request', (event) => { if (event.target.id === 'queue') gap = Math.min(1500, Math.max(120, 4 * (performance.now() - asked))); });
  const waiting = new Set();
  let timer = null;
  function stale(...names) {
    names.forEach((name) => waiting.add(name));
    timer ??= setTimeout(() => { timer = null; const all = [...waiting]; waiting.clear(); all.forEach(say); }, gap);
  }

  // --- the live stream
  function alive(data) {
    heard = performance.now();
    if (data.now) set(data.now);
    if ('healthy' in data) by('bar-unhealthy').hidden = data.healthy;
    state('live');
  }
  function state(value) {
    by('pulse').dataset.state = value;
    if (value === 'lost') { lostSince ??= performance.now(); } else { lostSince = null; }
    by('bar-lost').hidden = value !== 'lost';
    body.classList.toggle('is-lost', value === 'lost');
  }
  const on = (name, act) => body.addEventListener(name, (event) => act(event.detail?.data ? JSON.parse(event.detail.data) : {}));
  on('hub:hello', (data) => { stream = data.stream; alive(data); stale('queue:stale', 'case:stale'); look(); });
  let fetched = performance.now();
  on('hub:beat', (data) => { // what nobody announces (a colleague's duty, a self-check) is at most this old
    alive(data);
    if (performance.now() - fetched > EVERYTHING_MS) { fetched = performance.now(); stale('queue:stale', 'case:stale'); }
  });
  on('hub:refresh', (data) => { alive(data); stale('queue:stale', 'case:stale'); });
  on('hub:changed', (data) => {
    alive(data);
    stale('queue:stale');
    if (data.incidents.includes(0) || data.incidents.includes(openCase())) stale('case:stale');
  });
  on('hub:bye', () => state('lost'));
  body.addEventListener('htmx:sse:after:connection', (event) => { connection = event.detail.connection; if (connection.status === 401) signedOut(); });
  body.addEventListener('htmx:sse:error', (event) => { state('lost'); if (event.detail.status === 401) signedOut(); });
  body.addEventListener('htmx:sse:before:connection', (event) => { if (event.detail.connection.attempt > 0) state('lost'); });
  body.addEventListener('htmx:response:error', (event) => { if (event.detail.ctx.response.status === 401) signedOut(); });
  function signedOut() { by('bar-signed-out').hidden = false; state('lost'); }
  setInterval(() => {
    if (performance.now() - heard > SILENT_MS) { state('lost'); if (performance.now() - heard > 2 * SILENT_MS) { heard = performance.now() - SILENT_MS; connection?.reader?.cancel(); } }
    const words = by('bar-lost').querySelector('span');
    if (lostSince !== null) words.textContent = words.dataset.template.replace('{n}', span((performance.now() - lostSince) / 1000));
  }, 500);

  // --- what was shown is told to the server: a page counts as delivered when a person could see it
  async function report(fields) {
    try {
      const answer = await fetch('/seen', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify({ stream, open: openCase(), ...fields }) });
      return answer.ok;
    } catch { return false; }
  }
  function look() { const open = openCase(); report(open === null ? {} : { read: open }); }
  async function confirmShown() {
    const pages = [...document.querySelectorAll('#queue [data-pages]')].flatMap((e) => e.dataset.pages.split(' ')).filter(Boolean).map(Number).filter((id) => !confirmed.has(id));
    if (!pages.length) return;
    pages.forEach((id) => confirmed.add(id));
    if (!await report({ delivered: pages })) pages.forEach((id) => confirmed.delete(id));
  }

  // --- the queue after every change
  function queueShown() {
    const rows = [...document.querySelectorAll('#queue .row')];
    const present = new Map(rows.map((r) => [Number(r.dataset.incident), Number(r.dataset.presses)]));
    if (known) {
      let worst = 0; // one stroke for all that came at once, however many
      for (const row of rows) {
        const before = known.get(Number(row.dataset.incident));
        const fresh = before === undefined;
        if ((fresh || Number(row.dataset.presses) > before) && row.dataset.severity !== '5') {
          const severity = row.dataset.test === 'yes' ? 4 : Number(row.dataset.severity);
          worst = worst === 0 ? severity : Math.min(worst, severity);
          row.classList.add('is-fresh');
        }
      }
      if (worst) bell.ring(worst);
    }
    known = present;
    bell.alarm(rows.filter((r) => r.dataset.rings === 'yes').length);
    mark();
    tick();
    confirmShown();
  }
  function mark() {
    const open = openCase();
    by('desk').dataset.view = open === null ? 'queue' : 'case';
    for (const row of document.querySelectorAll('#queue .row')) {
      if (Number(row.dataset.incident) === open) row.setAttribute('aria-current', 'true'); else row.removeAttribute('aria-current');
    }
  }
  body.addEventListener('htmx:after:swap', () => {
    tick();
    mark();
  });
  new MutationObserver(() => queueShown()).observe(by('queue'), { childList: true, subtree: true, attributes: true, attributeFilter: ['data-presses', 'data-rings', 'data-pages', 'data-incident'] });
  let shownCase = openCase();
  new MutationObserver(() => {
    const open = openCase();
    if (open === shownCase) return;
    shownCase = open;
    mark();
    look();
    window.carehubVitals.fetchOnce();
    by('detail').scrollTop = 0;
  }).observe(by('detail'), { childList: true });

  // --- windows
  const sheet = by('sheet');
  new MutationObserver(() => { if (sheet.childElementCount && !sheet.open) { sheet.showModal(); sheet.querySelector('[autofocus],input:not([type=hidden])')?.focus(); } }).observe(sheet, { childList: true });
  sheet.addEventListener('close', () => sheet.replaceChildren());
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-dismiss]')) sheet.close();
    const opener = event.target.closest('[data-open]');
    if (opener) by(opener.dataset.open).showModal();
    if (event.target === sheet || event.target === by('keys')) event.target.close();
  });
  body.addEventListener('hub:done', (event) => {
    if (sheet.open && sheet.contains(event.target)) sheet.close();
    if (event.target.matches?.('[data-clears]')) event.target.reset();
    document.querySelectorAll('#case-refusal, #note-refusal').forEach((e) => e.replaceChildren());
    stale('queue:stale', 'case:stale');
  });

  let told = null;
  body.addEventListener('hub:batch', () => {
    stale('queue:stale', 'case:stale');
    clearTimeout(told);
    told = setTimeout(() => by('batch')?.replaceChildren(), 20000);
  });

  // --- keys
  const typing = (target) => target.closest('input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]');
  function move(step) {
    const rows = [...document.querySelectorAll('#queue .row')];
    const at = rows.findIndex((r) => r === document.activeElement);
    const from = at >= 0 ? at : rows.findIndex((r) => r.getAttribute('aria-current'));
    rows[Math.max(0, Math.min(rows.length - 1, from + step))]?.focus();
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector('dialog[open]')) return;
    if (typing(event.target)) { if (event.key === 'Escape') event.target.blur(); return; }
    const key = event.key.toLowerCase();
    if (key === '?') { event.preventDefault(); by('keys').showModal(); return; }
    if (key === 'arrowdown' || key === 'arrowup') { event.preventDefault(); move(key === 'arrowdown' ? 1 : -1); return; }
    if (key === 'escape' && openCase() !== null) { location.href = '/'; return; }
    const target = document.querySelector(`#detail [data-key="${CSS.escape(key)}"]`);
    if (!target) { if (key === ' ') event.preventDefault(); return; }
    event.preventDefault();
    if (target.matches('input')) target.focus(); else target.click();
  });
  document.addEventListener('keyup', (event) => { if (event.key === ' ' && !typing(event.target) && !document.querySelector('dialog[open]')) event.preventDefault(); });

  queueShown();
})();
