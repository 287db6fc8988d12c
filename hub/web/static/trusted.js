// Leaflet asks once whether the browser knows SVG by writing one into an element. That, and nothing else, may be written.
(() => {
  'use strict';
  const ALLOWED = new Set(['<svg/>', '']);
  window.trustedTypes?.createPolicy('default', { createHTML: (text) => { if (!ALLOWED.has(text)) throw new TypeError('markup is not written here'); return text; } });
})();
