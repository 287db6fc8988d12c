// What is new is said: once, to whoever listens to the page; and by a voice, where she switched that on. The bell rings all the same.
(() => {
  'use strict';
  const AFTER_BELL_MS = 900; // the bell's first strokes
  const KEPT_MS = 10000; // the sentence stays for those who read back
  const words = document.getElementById('words').dataset;
  const place = document.getElementById('told-new');
  const root = document.documentElement;
  const wanted = root.dataset.look.split(' ').includes('voice') && 'speechSynthesis' in window;
  let clearing = null;

  const read = (row, selector) => row.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  const put = (template, facts) => Object.entries(facts).reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), template);
  function sentence({ row, first }) {
    const facts = { who: read(row, '.row-who strong'), what: read(row, '.row-what').split(' · ')[0], times: read(row, '.presses') };
    return put(!first ? words.sayAgain : row.dataset.test === 'yes' ? words.sayTest : words.sayNew, facts).replace(/[，, ]+$/, ''); // the first press after a fall has no number
  }

  // A voice of this machine's own, or none: others send what they say, her name, to a company's servers.
  function voice(text) {
    const own = speechSynthesis.getVoices().filter((one) => one.localService);
    const language = /[\u4e00-\u9fff]/.test(text) ? 'zh' : root.lang.slice(0, 2);
    return own.find((one) => one.lang.startsWith(language)) ?? own.find((one) => one.lang.startsWith(root.lang.slice(0, 2)));
  }
  function speak(text) {
    const said = new SpeechSynthesisUtterance(text);
    said.voice = voice(text) ?? null;
    document.dispatchEvent(new CustomEvent('carehub:spoken', { detail: { text, voice: said.voice?.name ?? null } }));
    if (!said.voice) { missing(); return; }
    said.lang = said.voice.lang;
    setTimeout(() => speechSynthesis.speak(said), AFTER_BELL_MS);
  }
  function missing() { const note = document.getElementById('no-voice'); if (note) note.hidden = Boolean(voice(root.lang.startsWith('zh') ? '一' : 'a')); }

  function tell(fresh) {
    if (!fresh.length) return;
    const worst = fresh.reduce((a, b) => (b.severity < a.severity ? b : a));
    const text = fresh.length === 1 ? sentence(worst) : put(words.sayMany, { n: fresh.length, worst: sentence(worst) });
    place.textContent = text;
    clearTimeout(clearing);
    clearing = setTimeout(() => { place.textContent = ''; }, KEPT_MS);
    if (wanted) speak(text);
  }

  window.carehubAloud = { tell };
  if (wanted) { missing(); speechSynthesis.addEventListener?.('voiceschanged', missing); }
})();
