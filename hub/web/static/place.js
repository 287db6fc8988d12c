// Where she is and where the phone is: the map that opens with 我去, the address read out, the position at the door.
(() => {
  'use strict';
  const POSITION_MS = 8_000; // a tap waits this long for its position, and goes without one then
  const NO_MAP_MS = 1_500; // still here after this: the phone has no map for the link, so ours are offered

  carehub.positionMs = POSITION_MS;

  // Asked at the door only. Null when the phone may not, cannot or takes too long.
  carehub.position = () => new Promise((done) => {
    if (!navigator.geolocation || !isSecureContext) { done(null); return; }
    setTimeout(() => done(null), POSITION_MS);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({ lat: coords.latitude, lon: coords.longitude, accuracy_m: coords.accuracy }),
      () => done(null),
      { enableHighAccuracy: true, timeout: POSITION_MS - 500, maximumAge: 30_000 },
    );
  });

  function mapOf(link) {
    if (/iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.maxTouchPoints > 1 && /Mac/.test(navigator.platform))) return { url: link.dataset.apple, here: true };
    if (/Android|HarmonyOS|OpenHarmony/.test(navigator.userAgent)) return { url: link.dataset.geo, here: true };
    return { url: link.dataset.amap, here: false };
  }

  // A phone's own map opens beside the page, which stays; a desk's browser gets a window of its own.
  carehub.openMap = () => {
    const link = document.querySelector('#map');
    if (!link) return;
    const { url, here } = mapOf(link);
    if (!document.dispatchEvent(new CustomEvent('carehub:map', { detail: url, cancelable: true }))) return; // an app around us has its own
    if (!here) { open(url, '_blank', 'noopener'); return; }
    location.href = url;
    setTimeout(() => { if (!document.hidden) document.querySelector('#maps').open = true; }, NO_MAP_MS);
  };

  carehub.readOut = () => {
    const words = ['what', 'name', 'door', 'entrance'].map((id) => document.getElementById(id)?.textContent.trim()).filter(Boolean).join('。');
    speechSynthesis.cancel();
    const said = new SpeechSynthesisUtterance(words);
    said.lang = /[\u4e00-\u9fff]/.test(words) ? 'zh-CN' : document.documentElement.lang; // an address is read in its own language
    said.rate = 0.9;
    document.dispatchEvent(new CustomEvent('carehub:spoken', { detail: words }));
    speechSynthesis.speak(said);
  };
})();
