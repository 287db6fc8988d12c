// A finger on the glass, or on a mouse's button: nothing moves under it. What is pressed here and let go elsewhere is a
// click on neither, and lost; what slides under a finger would be pressed instead.
(() => {
  'use strict';
  const LONGEST_MS = 2000; // a finger that never leaves holds nothing up
  let since = null;
  let waiting = [];
  const held = () => since !== null && performance.now() - since < LONGEST_MS;
  const free = () => new Promise((done) => { if (held()) { waiting.push(done); setTimeout(done, LONGEST_MS); } else done(); });
  function left() { // the click itself comes right after the finger left: it goes first
    setTimeout(() => { since = null; const all = waiting; waiting = []; all.forEach((done) => done()); }, 0);
  }
  document.addEventListener('pointerdown', () => { since = performance.now(); }, true);
  for (const event of ['pointerup', 'pointercancel', 'dragend']) document.addEventListener(event, left, true);
  window.carehubHand = { held, free };
})();
