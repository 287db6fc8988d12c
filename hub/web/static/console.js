// The console's behaviour: what the live stream says, what is rung, what was shown, and the keys.
(() => {
  'use strict';
  const SILENT_MS = 11000; // beats come every 4 s: two missed and the line is called lost
  const everythingMs = 15000 + 5000 * Math.random(); // not all consoles at the same beat
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
  by('detail').addEventListener('htmx:before:swap', (event) => { if (event.target.id === 'case' && window.carehubHand.held()) { event.preventDefault(); stale('case:stale'); } });
  const waiting = new Set();
  let timer = null;
  let lastSaid = 0;
  function stale(...names) { // the first at once, what follows within the gap together after it
    names.forEach((name) => waiting.add(name));
    timer ??= setTimeout(async () => { await window.carehubHand.free(); timer = null; lastSaid = performance.now(); const all = [...waiting]; waiting.clear(); all.forEach(say); }, Math.max(0, gap - (performance.now() - lastSaid)));
  }

  // --- one case changed: its row and the order of all come with the event; where they do not, they are asked for
  const rows = { wanted: new Set(), busy: false };
  const pageNonce = document.querySelector('script[nonce]').nonce;
  const list = (name) => by('queue').querySelector(`#${name}`);
  let pushed = 0; // the newest reading of the queue that came with an event
  let applying = Promise.resolve(); // one after the other: two at once would share the space that they are read in
  let later = null;
  let overview = null; // its figures need not be of this moment: not every console asks at every change
  const overviewSoon = () => { overview ??= setTimeout(() => { overview = null; stale('overview:stale'); }, 1000 + 2000 * Math.random()); };
  const wholeSoon = () => { later ??= setTimeout(() => { later = null; stale('queue:stale'); }, 1000); };
  function changed(ids, told) {
    if (!told || document.querySelector('#queue .place')) { changedRows(ids); return; }
    pushed = Math.max(pushed, told.reading);
    const nonced = (text, from, to) => text.replaceAll(`hx-nonce="${from}"`, `hx-nonce="${to}"`);
    const text = nonced(nonced(told.rows, pageNonce, ''), told.nonce, pageNonce); // as hx-csp does with an answer
    applying = applying.then(async () => {
      await window.carehubHand.free();
      const space = by('rows-changed');
      await htmx.swap({ sourceElement: space, target: space, swap: 'innerHTML', text: `<ol>${text}</ol>` });
      if (!place(space, told)) stale('queue:stale');
    }).catch(() => stale('queue:stale'));
  }
  async function changedRows(ids) {
    ids.forEach((id) => rows.wanted.add(id));
    if (rows.busy) return;
    rows.busy = true;
    try {
      while (rows.wanted.size) {
        const asked = [...rows.wanted];
        rows.wanted.clear();
        // In disaster mode the places are sorted anew: all of it is asked for, and in an hour of changes once a second.
        if (document.querySelector('#queue .place')) wholeSoon();
        else if (asked.length > 20 || !list('calls') || !await patch(asked)) stale('queue:stale');
      }
    } finally { rows.busy = false; }
  }
  async function patch(ids) {
    const space = by('rows-changed');
    try { await htmx.ajax('GET', `/queue/rows?ids=${ids.join(',')}`, { target: space, source: space, swap: 'innerHTML' }); } catch { return false; }
    return space.firstElementChild ? place(space, space.firstElementChild.dataset) : false;
  }
  function place(space, told) { // the rows in `space` to where they belong; says whether the queue is whole now
    const focused = document.activeElement?.id;
    for (const fresh of [...space.querySelectorAll('li')]) {
      const row = fresh.querySelector('.row');
      if (!row) continue;
      const old = by('queue').querySelector(`#${CSS.escape(row.id)}`)?.closest('li');
      if (old) old.replaceWith(fresh); else list(Number(row.dataset.severity) === 5 ? 'technical' : 'calls')?.append(fresh);
    }
    let whole = true;
    for (const name of ['calls', 'technical']) {
      const wanted = told[name].split(' ').filter(Boolean);
      const has = list(name);
      if (!has) { whole &&= !wanted.length; continue; }
      const there = new Map([...has.children].map((li) => [li.querySelector('.row')?.dataset.incident ?? '', li]));
      for (const [id, li] of there) if (!wanted.includes(id)) { li.remove(); there.delete(id); }
      whole &&= wanted.length > 0 && wanted.every((id) => there.has(id));
      wanted.forEach((id, index) => { const li = there.get(id); if (li && has.children[index] !== li) has.insertBefore(li, has.children[index] ?? null); });
    }
    const badge = document.querySelector('.count-badge');
    if (badge) badge.textContent = told.open;
    space.replaceChildren();
    if (focused && document.activeElement?.id !== focused) by(focused)?.focus();
    queueShown();
    return whole;
  }
  by('queue').addEventListener('htmx:after:swap', (event) => { // an answer that was on its way while a newer row was pushed
    const reading = Number(by('queue').querySelector('.queue-head')?.dataset.reading ?? 0);
    if (event.target.id === 'queue' && reading && reading < pushed) { pushed = 0; stale('queue:stale'); } // once: another process may count otherwise
  });

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
  on('hub:hello', (data) => { stream = data.stream; pushed = 0; alive(data); stale('queue:stale', 'case:stale'); look(); });
  let fetched = performance.now();
  on('hub:beat', (data) => { // what nobody announces (a colleague's duty, a self-check) is at most this old
    alive(data);
    if (performance.now() - fetched > everythingMs) { fetched = performance.now(); stale('queue:stale', 'case:stale'); }
  });
  on('hub:refresh', (data) => { alive(data); stale('queue:stale', 'case:stale'); });
  on('hub:changed', (data) => {
    alive(data);
    const named = data.incidents.filter((id) => id !== 0);
    if (named.length) changed(named, data.queue);
    if (named.length < data.incidents.length) wholeSoon();
    overviewSoon();
    if (data.incidents.includes(0) || data.incidents.includes(openCase())) stale('case:stale');
  });
  on('hub:bye', () => state('lost'));
  body.addEventListener('htmx:sse:after:connection', (event) => { connection = event.detail.connection; if (connection.status === 401) signedOut(); });
  body.addEventListener('htmx:sse:error', (event) => { state('lost'); if (event.detail.status === 401) signedOut(); });
  body.addEventListener('htmx:sse:before:connection', (event) => { if (event.detail.connection.attempt > 0) state('lost'); });
  body.addEventListener('htmx:response:error', (event) => { if (event.detail.ctx.response.status === 401) signedOut(); });
  // What somebody pressed and the server did not answer: it may or may not be done, and silence would look like "done".
  body.addEventListener('htmx:error', (event) => { if (event.detail.ctx && event.target.matches?.('.row, button, form, a')) by('bar-unanswered').hidden = false; });
  body.addEventListener('htmx:before:request', (event) => { if (event.target.matches?.('.row, button, form, a')) by('bar-unanswered').hidden = true; });
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
      const fresh = []; // what is to be said: rows, and whether each is a new one
      let worst = 0; // one stroke for all that came at once, however many
      for (const row of rows) {
        const before = known.get(Number(row.dataset.incident));
        const first = before === undefined;
        if ((first || Number(row.dataset.presses) > before) && row.dataset.severity !== '5') {
          const severity = row.dataset.test === 'yes' ? 4 : Number(row.dataset.severity);
          worst = worst === 0 ? severity : Math.min(worst, severity);
          row.classList.add('is-fresh');
          fresh.push({ row, first, severity });
        }
      }
      if (worst) bell.ring(worst);
      window.carehubAloud.tell(fresh);
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
  // A button that the swap took away takes the focus with it: it goes on in the case, and not at the top of the page.
  let within = null;
  document.addEventListener('focusin', (event) => { within = event.target.closest('#detail, #queue'); });
  body.addEventListener('htmx:after:swap', () => {
    tick();
    mark();
    if (within && !document.querySelector('dialog[open]') && document.activeElement === body) (within.id === 'detail' ? within : within.querySelector('.row') ?? by('detail')).focus({ preventScroll: true });
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
    window.carehubMap.fetchOnce();
    by('detail').scrollTop = 0;
  }).observe(by('detail'), { childList: true });

  // --- windows
  const sheet = by('sheet');
  new MutationObserver(() => { if (sheet.childElementCount) sheet.setAttribute('aria-label', sheet.querySelector('h2')?.textContent ?? ''); if (sheet.childElementCount && !sheet.open) { sheet.showModal(); sheet.querySelector('[autofocus],input:not([type=hidden])')?.focus(); } }).observe(sheet, { childList: true });
  sheet.addEventListener('close', () => sheet.replaceChildren());
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-dismiss]')) sheet.close();
    const opener = event.target.closest('[data-open]');
    if (opener) by(opener.dataset.open).showModal();
    if (event.target.matches('dialog.sheet')) event.target.close();
  });
  // On the document: a button that a push has taken away meanwhile says it there (htmx tells what is not connected any more).
  document.addEventListener('hub:done', (event) => {
    if (sheet.open && sheet.contains(event.target)) sheet.close();
    if (event.target.matches?.('[data-clears]')) event.target.reset();
    document.querySelectorAll('#case-refusal, #note-refusal').forEach((e) => e.replaceChildren());
    stale('queue:stale', 'case:stale');
  });

  let told = null;
  document.addEventListener('hub:batch', () => {
    stale('queue:stale', 'case:stale');
    clearTimeout(told);
    told = setTimeout(() => by('batch')?.replaceChildren(), 20000);
  });

  // --- keys
  // A window that has just closed keeps the focus until the next frame: a key of that moment is not typed into it.
  const typing = (target) => !target.closest('dialog:not([open])') && target.closest('input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]');
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
    if (key === '/') { event.preventDefault(); by('search').showModal(); by('search').querySelector('[type=search]').select(); return; }
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
