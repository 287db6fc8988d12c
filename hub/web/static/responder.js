// The responder's page: shows which step it is, follows the case, and goes on without a line.
(() => {
  'use strict';
  const call = document.querySelector('.call');
  if (!call?.dataset.token) return;
  const $ = (id) => document.getElementById(id);
  const words = JSON.parse(call.dataset.words);
  const { token } = call.dataset;
  const FOLLOW_MS = 4_000;
  const SLOWEST_MS = 30_000;
  const STALE_MS = 20_000; // five looks missed
  const CODE_MS = 30 * 60_000; // without news for so long, the door code is nobody's any more
  // What a tap makes of the page before the desk has said so. A tap that does not fit changes nothing.
  const STEPS = {
    accept: { from: ['asked', 'declined'], to: 'accepted' },
    cannot_go: { from: ['asked', 'accepted', 'en_route'], to: 'declined' },
    en_route: { from: ['asked', 'declined', 'accepted'], to: 'en_route' },
    arrived: { from: ['asked', 'declined', 'accepted', 'en_route'], to: 'there' },
    handed_over: { from: ['there'], to: 'thanks' },
    mistake: { from: ['there', 'thanks', 'declined'], to: (view) => (view === 'thanks' ? 'there' : view === 'there' ? 'en_route' : known().went || COMES.includes(known().view) ? 'accepted' : 'asked') },
  };
  const COMES = ['accepted', 'en_route'];
  const UNDONE = { arrived: 'there', handed_over: 'thanks', cannot_go: 'declined' }; // where a tap can be taken back
  const OVER = ['thanks', 'stood_down', 'closed'];
  let trouble = null; // why the last question had no answer
  let followed = true; // false once the link has expired
  let code = '';

  const say = (word, facts = {}) => words[word].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  const span = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    return s < 60 ? say('seconds', { n: s }) : s < 5400 ? say('minutes', { n: Math.floor(s / 60) }) : say('hours', { n: Math.floor(s / 3600) });
  };
  const clock = (ms) => new Date(ms).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false, timeZone: call.dataset.zone });
  const named = (tap) => ({ tap: words[`tap.${tap.verb}`] ?? tap.verb, at: clock(tap.at) });

  const taps = new carehub.Taps(token, { changed: show, answered });
  code = $('code')?.querySelector('strong').textContent ?? '';
  const served = { view: call.dataset.view, now: Number(call.dataset.asOf), version: Number(call.dataset.version), mistake: Number(call.dataset.mistake), went: call.dataset.went === 'yes' };

  // The newest that is known: of this page as it was served, and of what was heard since, also before a reload.
  function known() {
    const { known: heard } = taps.kept;
    return heard && heard.now >= served.now ? heard : served;
  }

  function hear(news) {
    trouble = null;
    const { door_code: shown, ...rest } = news;
    if (shown !== undefined) code = shown ?? '';
    if (rest.now) carehub.write('carehub.skew', Math.abs(rest.now - Date.now()) > 2000 ? rest.now - Date.now() : 0);
    if (OVER.includes(rest.view)) { code = ''; worker('forget'); if (!taps.kept.taps.length) forgetHer(); }
    if (!taps.kept.known || rest.now >= taps.kept.known.now) taps.keep({ known: rest }); else show();
  }

  // It is over: her name and door are nobody's here any more.
  function forgetHer() {
    for (const part of call.querySelectorAll('.what, .where')) part.remove();
    quiet();
  }

  function answered(answer, error) {
    if (!answer) { trouble = error; show(); return; }
    const { tap, status, body } = answer;
    if (status === 410) { expire(); return; }
    if (!body.view) return;
    const fits = STEPS[tap.verb]?.to;
    if (status === 200 && typeof fits === 'string' && fits !== body.view && !later(tap.verb, body.view)) taps.tell(tap, 'late', body.lead || say(body.view === 'closed' ? 'closed' : 'changed'));
    hear({ door_code: undefined, ...body });
    ask();
  }

  // Whether the desk has gone further than this tap by this person's own next taps.
  const later = (verb, view) => verb !== 'cannot_go' && ['accepted', 'en_route', 'there', 'thanks'].includes(view);

  function expire() {
    followed = false;
    code = '';
    worker('forget');
    taps.expire();
    if (!taps.kept.told.length) location.reload(); else show();
  }

  let waiting;
  let pause = FOLLOW_MS;
  async function ask() {
    clearTimeout(waiting);
    if (!followed) return;
    try {
      const { status, body } = await carehub.ask(`/r/${token}/state`);
      if (status === 410) { expire(); return; }
      if (status !== 200 || !body.view) throw new Error('not ours');
      pause = FOLLOW_MS;
      hear(body);
    } catch (error) {
      trouble = error;
      pause = Math.min(pause * 1.6, SLOWEST_MS);
      show();
    }
    clearTimeout(waiting);
    waiting = setTimeout(ask, pause);
  }

  function viewNow() {
    return taps.kept.taps.reduce((view, { verb }) => {
      const step = STEPS[verb];
      return !step?.from.includes(view) ? view : typeof step.to === 'string' ? step.to : step.to(view);
    }, known().view);
  }

  function show() {
    const now = known();
    let view = viewNow();
    if (!OVER.includes(view) && !$('where')) { // called once more, or a hand-over is taken back: her name is asked for anew
      if (!taps.kept.taps.length) { location.reload(); return; }
      view = known().view;
    }
    if (call.dataset.view !== view) { call.classList.remove(`view-${call.dataset.view}`); call.classList.add(`view-${view}`); call.dataset.view = view; scrollTo(0, 0); }
    for (const part of call.querySelectorAll('[data-views]')) part.hidden = !part.dataset.views.split(' ').includes(view);
    if (now.what && $('what')) { $('what').textContent = now.what; $('pressed').textContent = now.pressed; $('pressed').hidden = !now.pressed; $('silent').textContent = now.silent ?? ''; $('silent').hidden = !now.silent; $('proof').textContent = now.proof; $('proof').hidden = !now.proof; }
    $('lead').textContent = now.lead ?? call.dataset.lead;
    if ($('code')) showCode(view);
    showLeaving(view);
    showMistake(view);
    showWaiting();
    showHappened();
    tick();
  }

  function showCode(view) {
    const shown = code && !OVER.includes(view) && view !== 'asked' && view !== 'declined' && carehub.now() - known().now < CODE_MS;
    if (!shown && OVER.includes(view)) code = '';
    $('code').hidden = !shown;
    $('code').querySelector('strong').textContent = shown ? code : '';
    if ($('later')) $('later').hidden = Boolean(shown) || !['asked', 'accepted'].includes(view);
  }

  // 离开 is locked until the desk knows who has her, not only this phone.
  const afterwards = $('after').textContent;
  function showLeaving(view) {
    const untold = view === 'thanks' && taps.kept.taps.some((tap) => tap.verb === 'handed_over');
    const gone = taps.kept.gone;
    $('after').textContent = untold ? words.not_yet : gone ? words.left : afterwards;
    $('leaving').hidden = view !== 'thanks' || untold || Boolean(gone);
  }

  // Taken back while it is the last he tapped, whether the desk has it or not yet, and for some minutes.
  function showMistake(view) {
    const last = taps.kept.taps.at(-1);
    const may = last ? UNDONE[last.verb] === view : known().mistake > carehub.now();
    $('mistake').hidden = !may || Boolean(taps.kept.gone);
  }

  function showWaiting() {
    const { taps: rows } = taps.kept;
    $('waiting').hidden = !rows.length;
    $('waiting').replaceChildren(...rows.map((tap) => {
      const line = document.createElement('li');
      const { tap: name, at } = named(tap);
      const how = tap.until > Date.now() ? 'locating' : trouble || !navigator.onLine ? 'waiting' : 'sending';
      line.textContent = `${name} ${at} · ${say(how)}`;
      return line;
    }));
  }

  function showHappened() {
    const { told } = taps.kept;
    $('happened').hidden = !told.length;
    $('happened').querySelector('p').textContent = told.map((each) => (each.why === 'full' ? say('full') : say(each.why, named(each)) + (each.text || (each.why === 'overtaken' ? say('refused') : '')))).join('\n');
  }

  let wasOff = false;
  function tick() {
    const age = carehub.now() - known().now;
    const off = age > STALE_MS || !navigator.onLine || Boolean(trouble);
    const line = $('line');
    line.hidden = !followed || OVER.includes(call.dataset.view) && !off;
    line.dataset.state = off ? 'off' : 'fresh';
    line.textContent = say(off ? (trouble?.server && navigator.onLine ? 'trouble' : 'stale') : 'fresh', { n: span(age) });
    if (off !== wasOff) { wasOff = off; $('line-said').textContent = line.textContent; } // once: the line itself counts every second
    if (!taps.kept.taps.length && !(known().mistake > carehub.now())) $('mistake').hidden = true;
    if ($('ago')) $('ago').textContent = say('ago', { n: span(carehub.now() - Number(call.dataset.opened)) });
  }

  function tapped(event) {
    const form = event.target;
    event.preventDefault();
    const { verb } = form.dataset;
    const to = form.elements.to?.value.trim() ?? '';
    if (verb === 'handed_over' && !whole(to)) return;
    if (verb === 'arrived') {
      const tap = taps.add(verb, { wait: carehub.positionMs });
      if (tap) carehub.position().then((position) => taps.place(tap.nonce, position));
    } else taps.add(verb, { to });
    if (verb === 'accept') carehub.openMap();
    if (verb === 'left') taps.keep({ gone: true });
    quiet();
  }

  function whole(to) {
    const missing = to === '' ? 'name' : /^120\s*#?$/.test(to) ? 'number' : '';
    $('missing').hidden = !missing;
    $('missing').textContent = missing && say(missing);
    if (missing) $('to').focus();
    return !missing;
  }

  // The worker keeps this page for when there is no line. Trusted Types: this one script, and no other.
  const ours = '/r/worker.js';
  const url = self.trustedTypes?.createPolicy('carehub-worker', { createScriptURL: (wish) => { if (wish !== ours) throw new TypeError(wish); return wish; } }).createScriptURL(ours) ?? ours;
  const worker = (what) => navigator.serviceWorker?.ready.then((there) => there.active.postMessage({ [what]: location.pathname }));
  navigator.serviceWorker?.register(url, { scope: '/r/' }).then(() => { if (!OVER.includes(known().view)) worker('keep'); }).catch(() => { /* no worker: the page works while it is open */ });

  // A call that is asked rings until it is touched, as far as the browser lets a page be heard.
  let bell = null;
  function ring() {
    if (viewNow() !== 'asked' || document.hidden) return;
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([500, 200, 500]);
    if (bell?.state !== 'running') return;
    for (const [at, hertz] of [[0, 880], [0.25, 660], [0.5, 880]]) {
      const tone = bell.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(bell.destination);
      tone.start(bell.currentTime + at);
      tone.stop(bell.currentTime + at + 0.2);
    }
  }
  let ringing = null;
  function quiet() { clearInterval(ringing); bell?.close().catch(() => {}); bell = null; }

  for (const form of call.querySelectorAll('form')) { form.noValidate = true; form.addEventListener('submit', tapped); }
  for (const chip of call.querySelectorAll('.chip')) chip.addEventListener('click', () => { $('to').value = chip.dataset.to; for (const each of call.querySelectorAll('.chip')) each.setAttribute('aria-pressed', String(each === chip)); if (chip.dataset.to.startsWith('120')) $('to').focus(); });
  if ($('chips')) $('chips').hidden = false;
  $('happened').querySelector('button').addEventListener('click', () => taps.keep({ told: [] }));
  $('map')?.addEventListener('click', (event) => { event.preventDefault(); carehub.openMap(); });
  if ($('read') && 'speechSynthesis' in self) { $('read').hidden = false; $('read').addEventListener('click', carehub.readOut); }
  if (call.dataset.view === 'asked' && 'AudioContext' in self) { bell = new AudioContext(); ringing = setInterval(ring, 3000); addEventListener('pointerdown', quiet, { once: true }); ring(); }
  for (const happens of ['online', 'offline']) addEventListener(happens, () => { pause = FOLLOW_MS; if (navigator.onLine) ask(); else show(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) ask(); });
  setInterval(tick, 1000);

  // An answer given on the lock screen while there was no line.
  function fromLockScreen(hash) {
    const wish = /^#tap=(accept|cannot_go)\.([\w-]{1,60})$/.exec(hash ?? '');
    if (wish) taps.add(wish[1], { nonce: wish[2] });
    return wish;
  }
  const byHash = () => { if (fromLockScreen(location.hash)) history.replaceState(null, '', location.pathname); };
  byHash();
  addEventListener('hashchange', byHash);
  navigator.serviceWorker?.addEventListener('message', (event) => fromLockScreen(event.data?.hash));
  carehub.ask(`/r/${token}/answer`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ verb: 'read', nonce: `${call.dataset.nonce}-read` }) }).catch(() => {});
  show();
  taps.now();
  ask();
})();
