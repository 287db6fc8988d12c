// Ticking clocks. All times come from the server; the browser's own clock only carries them on between beats.
(() => {
  'use strict';
  const body = document.body;
  let offset = Number(body.dataset.now || Date.now()) - performance.now();

  const span = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole >= 172800) return `${Math.floor(whole / 86400)}d`;
    const two = (n) => String(n).padStart(2, '0');
    const minutes = Math.floor(whole / 60);
    return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
  };
  const now = () => performance.now() + offset;
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  function tick() {
    const at = now();
    for (const element of document.querySelectorAll('[data-due]')) {
      const left = (Number(element.dataset.due) - at) / 1000;
      put(element, span(Math.ceil(left)));
      element.classList.toggle('is-soon', left < 15);
      element.classList.toggle('is-due', left <= 0);
    }
    for (const element of document.querySelectorAll('[data-since]')) {
      const age = (at - Number(element.dataset.since)) / 1000;
      put(element, span(age));
      element.dataset.old = age > 180 ? '3' : age > 60 ? '2' : '1';
    }
    const wall = document.getElementById('wall');
    if (wall) put(wall, new Intl.DateTimeFormat('zh-CN', { timeZone: body.dataset.zone, hour12: false, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at));
  }

  window.carehubClock = { now, span, tick, set: (ms) => { offset = ms - performance.now(); } };
  setInterval(tick, 250);
  tick();
})();
