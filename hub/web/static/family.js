// Shows the page anew when something changed, and says so when it cannot know.
(() => {
  'use strict';
  const EVERY_MS = 5000;
  const main = document.querySelector('main');
  const fresh = document.getElementById('fresh');
  const words = fresh.textContent;
  fresh.hidden = false;
  const busy = () => document.activeElement?.matches('input');
  async function look() {
    try {
      const answer = await fetch(main.dataset.state, { cache: 'no-store' });
      if (answer.status === 410) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const { version } = await answer.json();
      fresh.textContent = words;
      fresh.classList.remove('warn');
      if (version !== main.dataset.version && !busy()) location.reload();
    } catch {
      fresh.textContent = fresh.dataset.stale;
      fresh.classList.add('warn');
    }
  }
  setInterval(look, EVERY_MS);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
})();
