// The bell. It has no off switch: it rings once for every new incident and goes on while a critical one has no operator.
(() => {
  'use strict';
  const bar = document.getElementById('bar-sound');
  const title = document.getElementById('words').dataset.title;
  const AudioContextClass = window.AudioContext || window.webkitAudioContext;
  let context = null;
  let looping = false;
  let count = 0;
  let shown = false;

  function ready() {
    if (!context && AudioContextClass) {
      context = new AudioContextClass();
      context.onstatechange = showBar;
    }
    return context;
  }
  async function showBar() { await window.carehubHand.free(); bar.hidden = Boolean(context) && context.state === 'running'; } // the bar moves the page: not under a finger
  async function prime() {
    try { await ready()?.resume(); } catch { /* the bar below says so */ }
    showBar();
  }

  // Two tones a third apart, square enough to carry across a room, with a compressor so that full volume stays clean.
  function strike(at, hertz, length) {
    const tone = context.createOscillator();
    const shape = context.createGain();
    tone.type = 'square';
    tone.frequency.value = hertz;
    shape.gain.setValueAtTime(0, at);
    shape.gain.linearRampToValueAtTime(0.9, at + 0.01);
    shape.gain.setValueAtTime(0.9, at + length - 0.03);
    shape.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(shape).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
  function ring(severity) {
    document.dispatchEvent(new CustomEvent('carehub:ring', { detail: { severity, audible: ready()?.state === 'running' } }));
    if (!context || context.state !== 'running') { showBar(); return; }
    const start = context.currentTime + 0.02;
    const pattern = severity <= 1 ? [[0, 988], [0.18, 784], [0.36, 988], [0.54, 784], [0.72, 988]] : severity === 2 ? [[0, 880], [0.25, 698]] : [[0, 659]];
    for (const [after, hertz] of pattern) strike(start + after, hertz, 0.16);
  }
  function alarm(ringing) {
    count = ringing;
    looping = ringing > 0;
  }
  function flash() {
    shown = looping && !shown;
    const wanted = shown ? `▲ ${count} · ${document.getElementById('words').dataset.new}` : title;
    if (document.title !== wanted) document.title = wanted;
  }

  setInterval(() => { if (looping) ring(1); }, 2000);
  setInterval(flash, 700);
  for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, () => { if (context?.state !== 'running') prime(); }, true);
  document.getElementById('sound-on').addEventListener('click', async () => { await prime(); ring(3); });
  window.carehubBell = { ring, alarm };
  prime();
  setTimeout(showBar, 800);
})();
