// Calls that come in: they ring while they wait, A takes the first, and the case of a call that was taken opens itself.
(() => {
  'use strict';
  const section = document.getElementById('incoming');
  if (!section) return;
  const STROKE_MS = 3000;
  const ringing = () => section.querySelector('[data-rings=yes]');
  const struck = new Set();

  function open(incident, tries) {
    const row = document.getElementById(`row-${incident}`);
    if (row) { row.click(); return; }
    if (tries > 0) { setTimeout(() => open(incident, tries - 1), 200); return; }
    location.href = `/incidents/${incident}`;
  }
  function shown() {
    const call = ringing();
    if (call && !struck.has(call.dataset.call)) { struck.add(call.dataset.call); window.carehubBell.ring(2); }
    const opens = section.querySelector('[data-open-case]');
    if (opens) { const incident = opens.dataset.openCase; opens.remove(); open(incident, 20); }
    window.carehubClock.tick();
  }
  new MutationObserver(shown).observe(section, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-rings'] });
  setInterval(() => { if (ringing()) window.carehubBell.ring(2); }, STROKE_MS);

  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'a' || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector('dialog[open]') || event.target.closest('input, textarea, select, [contenteditable]')) return;
    const button = section.querySelector('[data-call-key=a]');
    if (button) { event.preventDefault(); button.click(); }
  });
  shown();
})();
