// The responder's page: says that it was read, and follows what happens without being touched.
(() => {
  'use strict';
  const call = document.querySelector('.call');
  if (!call?.dataset.token) return;
  const { token, view, version, nonce } = call.dataset;
  const base = `/r/${token}`;
  fetch(`${base}/answer`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ verb: 'read', nonce: `${nonce}-read` }) }).catch(() => {});
  async function follow() {
    if (document.activeElement?.matches('input') && document.activeElement.value) return; // never reload under somebody's typing
    try {
      const answer = await fetch(`${base}/state`, { cache: 'no-store' });
      if (answer.status === 410) { location.reload(); return; }
      if (!answer.ok) return;
      const now = await answer.json();
      if (now.view !== view || String(now.version) !== version) location.reload();
    } catch { /* no line in the lift: again in a moment */ }
  }
  setInterval(follow, 4000);
  for (const form of document.querySelectorAll('form')) form.addEventListener('submit', () => { setTimeout(() => { for (const b of form.querySelectorAll('button')) b.disabled = true; }); });
})();
