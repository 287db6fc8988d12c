// The responder's phone when there is no line, and when it is in a pocket: keeps open calls, shows what is pushed.
// RELEASE and FILES are written above by the server. A door code is never kept: pages fetched here come without it.
'use strict';
const SHELL = `carehub-shell-${RELEASE}`;
const CALLS = 'carehub-calls';
const CALLS_MOST = 8;
const CALL_MS = 12 * 3_600_000; // as long as a link
const SLOW_MS = 4_000; // a kept page is better than a white one
const ANSWER_MS = 8_000;
const ME = 'carehub-me'; // where this phone's own page is, so that it can subscribe again by itself
const ME_PATH = /^\/me\/[\w-]{20,60}$/;
const ICON = '/static/icon-192.png';
const CALL_PATH = /^\/r\/[\w-]{20,200}$/;
const TAP_PATH = /^\/r\/[\w-]{20,200}\/answer$/;

self.addEventListener('install', (event) => event.waitUntil((async () => {
  await (await caches.open(SHELL)).addAll(FILES);
  await self.skipWaiting();
})()));

self.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith('carehub-shell-') && name !== SHELL) await caches.delete(name);
  await tidy();
  await self.clients.claim();
})()));

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  // A tap is sent from here: what a page sends past its worker is lost where the page has gone meanwhile.
  if (event.request.method === 'POST' && TAP_PATH.test(url.pathname)) event.respondWith(fetch(event.request));
  if (event.request.method !== 'GET') return;
  if (url.pathname.startsWith('/static/')) event.respondWith(file(event.request));
  else if (event.request.mode === 'navigate' && CALL_PATH.test(url.pathname)) event.respondWith(call(url.pathname));
});

self.addEventListener('message', (event) => {
  const { keep, forget, me } = event.data ?? {};
  if (CALL_PATH.test(keep ?? '')) event.waitUntil(fetched(keep).catch(() => {}));
  if (ME_PATH.test(me ?? '')) event.waitUntil(caches.open(ME).then((cache) => cache.put('/me/', new Response(me))));
  if (CALL_PATH.test(forget ?? '')) event.waitUntil(caches.open(CALLS).then((calls) => calls.delete(forget)));
});

async function file(request) {
  return (await caches.match(request, { cacheName: SHELL })) ?? fetch(request);
}

// The newest when the line is quick enough, else what was kept; what is kept is renewed either way.
async function call(path) {
  const kept = await (await caches.open(CALLS)).match(path);
  const fresh = fetched(path);
  if (!kept) return fresh;
  const slow = new Promise((done) => { setTimeout(() => done(kept), SLOW_MS); });
  return Promise.race([fresh.then((page) => (page.status >= 500 ? kept : page), () => kept), slow]);
}

async function fetched(path) {
  const calls = await caches.open(CALLS);
  const page = await fetch(path, { headers: { 'carehub-shell': '1' }, cache: 'no-store', credentials: 'same-origin' });
  if (page.status === 200 && page.headers.get('carehub-page') === 'call') { await calls.put(path, page.clone()); await tidy(); }
  if (page.status === 410) await calls.delete(path);
  if (page.status === 200 && page.headers.get('carehub-page') !== 'call' && await calls.match(path)) throw new Error('not ours');
  return page;
}

async function tidy() {
  const calls = await caches.open(CALLS);
  const rows = [];
  for (const request of await calls.keys()) rows.push([Date.parse((await calls.match(request)).headers.get('date') ?? '') || 0, request]);
  rows.sort(([a], [b]) => b - a);
  for (const [index, [at, request]] of rows.entries()) if (index >= CALLS_MOST || Date.now() - at > CALL_MS) await calls.delete(request);
}

// What the hub pushes: one notification for each case, so that a stand-down takes the alarm's place.
self.addEventListener('push', (event) => event.waitUntil(pushed(event)));

async function pushed(event) {
  let page;
  try { page = event.data.json(); } catch { page = { text: event.data?.text() ?? '' }; }
  const text = String(page.text ?? '');
  const path = pathOf(page.answer_url);
  const chinese = page.language ? !String(page.language).startsWith('en') : /[\u4e00-\u9fff]/.test(text) || !text;
  const alarm = (page.purpose ?? 'alarm') === 'alarm';
  await self.registration.showNotification(chinese ? (alarm ? '紧急呼叫' : '一键通') : (alarm ? 'Emergency call' : 'carehub'), {
    body: text || (chinese ? '请打开查看' : 'Please open it'), tag: page.incident ? `incident-${page.incident}` : 'carehub',
    renotify: true, requireInteraction: alarm, silent: false, vibrate: alarm ? [600, 200, 600, 200, 600, 200, 600] : [200],
    lang: chinese ? 'zh-CN' : 'en', icon: ICON, badge: ICON, timestamp: Date.parse(page.sent_at) || Date.now(),
    data: { path, page: page.page ?? 0, open: pathOf(page.open) },
    actions: alarm && path ? [{ action: 'accept', title: chinese ? '我去' : 'I am going' }, { action: 'cannot_go', title: chinese ? '去不了' : 'I cannot go' }] : [],
  });
  if (path) await posted(path, 'delivered', `push-${page.page}-delivered`).catch(() => {});
  if (path && !alarm) await (await caches.open(CALLS)).delete(path);
}

function pathOf(url) {
  try {
    const { pathname, origin } = new URL(url, location.origin);
    return origin === location.origin && (CALL_PATH.test(pathname) || pathname.startsWith('/me/')) ? pathname : null;
  } catch { return null; }
}

// The browser has changed its subscription: the hub must know, or this phone is silent from now on.
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil((async () => {
  const me = await (await (await caches.open(ME)).match('/me/'))?.text();
  const options = event.oldSubscription?.options;
  if (!me || !options) return;
  const fresh = event.newSubscription ?? await self.registration.pushManager.subscribe(options);
  await fetch(`${me}/push`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(fresh) });
})()));

function posted(path, verb, nonce) {
  return fetch(`${path}/answer`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, keepalive: true, signal: AbortSignal.timeout(ANSWER_MS),
    body: JSON.stringify({ verb, nonce }), // made now, whatever this phone's clock says
  });
}

// An answer from the lock screen goes out at once; when it cannot, the page takes it into its row under the same nonce.
self.addEventListener('notificationclick', (event) => event.waitUntil((async () => {
  const { path, page, open } = event.notification.data ?? {};
  event.notification.close();
  if (!path) { // nobody is called: his own page has the rest
    const own = open ?? await (await (await caches.open(ME)).match('/me/'))?.text();
    if (own) await self.clients.openWindow(own);
    return;
  }
  const nonce = `push-${page}-${event.action}`;
  let hash = '';
  if (event.action) {
    const answer = await posted(path, event.action, nonce).catch(() => null);
    if (!answer || answer.status >= 500) hash = `#tap=${event.action}.${nonce}`;
    else if (event.action === 'cannot_go' && answer.ok) return;
  }
  for (const client of await self.clients.matchAll({ type: 'window' })) {
    if (new URL(client.url).pathname === path) { await client.focus(); if (hash) client.postMessage({ hash }); return; }
  }
  await self.clients.openWindow(path + hash);
})()));
