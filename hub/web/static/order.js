// A work order in the hand of whoever does it: taps and photos wait on the phone until there is a line.
(() => {
  'use strict';
  const page = document.querySelector('.order-mine');
  const { path, csrf, zone } = page.dataset;
  const words = JSON.parse(page.dataset.words);
  const $ = (id) => document.getElementById(id);
  const OLDEST_MS = 12 * 3_600_000; // as the hub takes them
  const WIDEST_PX = 1600;
  const LARGEST_CHARS = 900_000; // of a photo in base64: four of them fit into what a browser keeps
  const STEPS = { accept: 'accepted', arrive: 'on_site', finish: 'done', refuse: 'refused' };

  const say = (word, facts = {}) => words[word].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  const clock = (ms) => new Date(ms).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone });
  const named = (tap) => ({ tap: words[`tap.${tap.verb}`] ?? tap.verb, at: clock(tap.at) });
  const taps = new carehub.Taps(`order.${path}`, { path, oldest: OLDEST_MS, headers: csrf ? { 'X-CSRF-Token': csrf } : {}, changed: show, answered });
  let off = !navigator.onLine;
  let state = page.dataset.state;

  function answered(answer) {
    off = !answer;
    // In place, never by loading anew: the line may be gone again, and this page is all he has.
    if (answer?.status === 200) {
      page.dataset.state = answer.body.state === 'gone' ? 'refused' : answer.body.state;
      if (answer.tap.verb === 'photo' && !answer.body.repeat) count(Number($('photos').dataset.n) + 1);
    }
    show();
  }

  function count(n) {
    $('photos').dataset.n = n;
    $('photos').textContent = say('photos', { n });
  }

  function show() {
    const { taps: waiting, told } = taps.kept;
    state = waiting.reduce((now, tap) => STEPS[tap.verb] ?? now, page.dataset.state);
    for (const part of page.querySelectorAll('[data-states]')) part.hidden = !part.dataset.states.split(' ').includes(state);
    $('line').hidden = !off;
    $('line').dataset.state = 'off';
    $('line').textContent = off ? words.off : '';
    $('waiting').hidden = !waiting.length;
    $('waiting').replaceChildren(...waiting.map((tap) => Object.assign(document.createElement('li'), { textContent: say('waiting', named(tap)) })));
    $('happened').hidden = !told.length;
    if (told.length) $('happened').querySelector('p').textContent = told.map((one) => [one.why === 'large' ? words.large : say(one.why, named(one)), one.text].filter(Boolean).join('\n')).join('\n');
  }

  // As small as it may be and still prove something: a phone's photo is 5 MB, its line 100 kB a second.
  async function small(file) {
    const picture = await createImageBitmap(file);
    let scale = Math.min(1, WIDEST_PX / Math.max(picture.width, picture.height));
    for (let quality = 0.8; quality > 0.2; quality -= 0.15, scale *= 0.85) {
      const canvas = Object.assign(document.createElement('canvas'), { width: Math.max(1, picture.width * scale), height: Math.max(1, picture.height * scale) });
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      const text = canvas.toDataURL('image/jpeg', quality).split(',')[1];
      if (text.length <= LARGEST_CHARS) return text;
    }
    return '';
  }

  page.addEventListener('submit', async (event) => {
    const form = event.target;
    const { verb } = form.dataset;
    if (!verb) return;
    event.preventDefault();
    const nonce = verb === 'photo' ? carehub.nonce() : form.elements.nonce.value;
    if (verb !== 'photo') {
      taps.add(verb, { nonce, more: { words: form.elements.words?.value ?? '', outcome: form.elements.outcome?.value ?? '' } });
      return;
    }
    const photo = await small(form.elements.photo.files[0]).catch(() => '');
    if (!photo) { taps.tell({ verb, at: carehub.now() }, 'large'); return; }
    taps.add(verb, { nonce, often: true, more: { photo } });
    form.reset();
  });
  $('happened').querySelector('button').addEventListener('click', () => { taps.keep({ told: [] }); if (!taps.kept.taps.length) fetch(location.href, { cache: 'no-store' }).then(() => location.reload()).catch(() => {}); });
  addEventListener('offline', () => { off = true; show(); });
  addEventListener('online', () => { off = false; show(); });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  show();
  taps.now();
})();
