// The responder's app: makes this phone ring, tries it, and keeps the page of his calls fresh while he looks at it.
(() => {
  'use strict';
  const page = document.querySelector('.app');
  const { me, pushKey } = page.dataset;
  const words = JSON.parse(page.dataset.words);
  const $ = (id) => document.getElementById(id);
  const FRESH_MS = 30_000;
  const READY_MS = 10_000;

  function show(state, why = '') {
    if (!$('state')) return;
    $('state').dataset.state = state;
    $('state').textContent = words[state].replace('{why}', why);
    $('on').hidden = !['off', 'failed', 'denied'].includes(state);
    $('ringing').hidden = state !== 'on';
  }

  const ours = '/r/worker.js'; // one worker for the calls and for the app; Trusted Types allow this script alone
  const script = () => self.trustedTypes?.createPolicy('carehub-worker', { createScriptURL: (wish) => { if (wish !== ours) throw new TypeError(wish); return wish; } }).createScriptURL(ours) ?? ours;

  const able = 'serviceWorker' in navigator && 'PushManager' in self && 'Notification' in self;
  const registered = able ? navigator.serviceWorker.register(script(), { scope: '/r/' }).then(active) : Promise.reject(new Error('unsupported'));
  registered.catch(() => {});

  // This page is not in the worker's scope, so nothing here is "ready" by itself.
  function active(there) {
    const waking = there.active ? null : there.installing ?? there.waiting;
    if (!waking) return there;
    return new Promise((done, failed) => {
      setTimeout(() => failed(new Error('worker')), READY_MS);
      waking.addEventListener('statechange', () => { if (waking.state === 'activated') done(there); });
      if (waking.state === 'activated') done(there);
    });
  }

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const post = (path, body) => fetch(`${me}/${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

  async function state() {
    if (!able) return 'unsupported';
    const subscription = await (await registered).pushManager.getSubscription();
    if (Notification.permission === 'denied') return 'denied';
    return subscription ? 'on' : 'off';
  }

  async function ringHere() {
    show('trying');
    try {
      if (await Notification.requestPermission() !== 'granted') { show('denied'); return; }
      const there = await registered;
      const subscription = await there.pushManager.getSubscription() ?? await there.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(pushKey) });
      const answer = await post('push', subscription.toJSON());
      if (!answer.ok) { await subscription.unsubscribe(); show('failed', (await answer.json().catch(() => ({}))).text ?? answer.status); return; }
      there.active.postMessage({ me });
      show('on');
      await tryIt();
    } catch (error) { show('failed', error.message); }
  }

  async function quietHere() {
    const subscription = await (await registered).pushManager.getSubscription();
    if (subscription) { await post('quiet', { endpoint: subscription.endpoint }); await subscription.unsubscribe(); }
    show('off');
  }

  async function tryIt() {
    const there = await registered;
    await there.showNotification(words.test_title, { body: words.test_text, tag: 'carehub-test', renotify: true, vibrate: [600, 200, 600], icon: '/static/icon-192.png', data: { open: me } });
  }

  // A subscription the hub has forgotten (another person on this phone, a service that gave it up) is told again.
  async function begin() {
    const now = await state();
    show(now);
    if (now !== 'on') return;
    const there = await registered;
    const answer = await post('push', (await there.pushManager.getSubscription()).toJSON());
    if (answer.ok) there.active.postMessage({ me }); else show('failed', answer.status);
  }

  $('on')?.addEventListener('click', ringHere);
  $('off')?.addEventListener('click', quietHere);
  $('try')?.addEventListener('click', tryIt);
  if (pushKey) begin().catch((error) => show('failed', error.message));
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    $('install-now').hidden = false;
    $('install-now').addEventListener('click', () => { event.prompt(); $('install-now').hidden = true; }, { once: true });
  });
  setInterval(() => { if (!document.hidden && navigator.onLine) fetch(location.href, { cache: 'no-store' }).then((answer) => { if (answer.ok) return answer.text(); throw new Error('away'); }).then(renew).catch(() => {}); }, FRESH_MS);

  // Calls come and go: only their section is renewed, and by its words, never as markup.
  let before = null;
  function renew(text) {
    const hash = text.match(/aria-labelledby="calls"[\s\S]*?<\/section>/)?.[0].replace(/\/r\/[\w-]+/g, '');
    if (before !== null && hash !== before) location.reload();
    before = hash;
  }
})();
