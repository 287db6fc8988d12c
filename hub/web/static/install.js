// The installer's page follows what the hub hears: it asks every other second, and shows itself anew when there is news.
(() => {
  'use strict';
  const { state, version, now } = document.body.dataset;
  const ASK_MS = 1500;
  const LONGEST_WAIT_MS = 10_000;
  const $ = (id) => document.getElementById(id);
  const ahead = Number(now) - Date.now(); // the hub's clock counts, not the phone's
  let dirty = false;
  let left = false;
  document.addEventListener('input', () => { dirty = true; });
  document.addEventListener('submit', () => { left = true; });

  function tick() {
    for (const each of document.querySelectorAll('.count')) {
      const seconds = Math.max(0, Math.floor((Date.now() + ahead - Number(each.dataset.since)) / 1000));
      each.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    }
  }

  async function ask() {
    if (document.hidden || left) return;
    try {
      const answer = await fetch(state, { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(LONGEST_WAIT_MS) });
      $('no-line').hidden = answer.ok;
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const said = await answer.json();
      if (said.heard) $('heard').textContent = said.heard;
      if (said.version === version || left) return;
      if (dirty) $('news').hidden = false; // what he has typed stays
      else location.reload();
    } catch { $('no-line').hidden = left; }
  }

  async function follow() {
    await ask();
    setTimeout(follow, ASK_MS);
  }

  tick();
  setInterval(tick, 500);
  setTimeout(follow, ASK_MS);
})();
