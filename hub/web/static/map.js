// Where it is: Leaflet on the tiles of the settings, or on a plan drawn here of what the hub knows. No outside request
// without settings; labels are elements, never markup, so that a name can be anything.
(() => {
  'use strict';
  const EVERY_MS = 10000;
  const FAR_M = 1500; // no further out: the street is to be read
  const RINGS_M = [100, 250, 500];
  let map = null;
  let host = null;
  let layers = null;
  let fitted = false;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const place = (box, at) => {
    if (box.dataset.datum !== 'gcj02' || !window.gcoord) return [at.lat, at.lon];
    const [lon, lat] = window.gcoord.transform([at.lon, at.lat], window.gcoord.WGS84, window.gcoord.GCJ02);
    return [lat, lon];
  };
  function label(text, kind) {
    const element = document.createElement('span');
    element.className = `map-label is-${kind}`;
    element.textContent = text;
    return L.divIcon({ html: element, className: 'map-icon', iconSize: null });
  }

  function make(box) {
    const canvas = box.querySelector('[data-canvas]');
    map?.remove();
    map = L.map(canvas, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: Number(box.dataset.zoom), keyboard: false, scrollWheelZoom: false, fadeAnimation: false, zoomAnimation: false });
    host = box;
    fitted = false;
    layers = L.layerGroup().addTo(map);
    if (box.dataset.tiles) L.tileLayer(box.dataset.tiles, { subdomains: box.dataset.subdomains || 'abc', maxZoom: Number(box.dataset.zoom), referrerPolicy: 'no-referrer' }).addTo(map);
    box.querySelector('[data-zoom-in]').onclick = () => map.zoomIn(1);
    box.querySelector('[data-zoom-out]').onclick = () => map.zoomOut(1);
  }

  function draw(box, data) {
    const words = box.dataset;
    const any = data.home || data.last;
    box.querySelector('[data-none]').hidden = Boolean(any);
    box.querySelector('.map-frame').hidden = !any;
    written(box, data);
    if (!any) return;
    if (host !== box) make(box);
    layers.clearLayers();
    const home = data.home && place(box, data.home);
    const middle = home || place(box, data.last);
    const reach = [];
    if (!fitted) map.setView(middle, 16);
    if (home && !words.tiles) for (const metres of RINGS_M) L.circle(home, { radius: metres, color: css('--line-strong'), weight: 1, dashArray: '3 5', fill: false, interactive: false }).addTo(layers);
    for (const one of data.homes) L.circleMarker(place(box, one), { radius: 4, color: css('--line-strong'), weight: 1, fillColor: css('--line'), fillOpacity: 1, interactive: false }).addTo(layers);
    for (const one of data.landmarks) L.marker(place(box, one), { icon: label(`${words[`w${one.kind[0].toUpperCase()}${one.kind.slice(1)}`]} ${one.name}`, one.kind), interactive: false, keyboard: false }).addTo(layers);
    if (home) {
      L.circleMarker(home, { radius: 8, color: css('--panel'), weight: 3, fillColor: css('--accent'), fillOpacity: 1, interactive: false }).addTo(layers);
      L.marker(home, { icon: label(words.wHome, 'home'), interactive: false, keyboard: false }).addTo(layers);
      reach.push(home);
    }
    if (data.last) {
      const at = place(box, data.last);
      const old = window.carehubClock.now() - data.last.at_ms > 300000;
      const off = data.last.accuracy_m ?? (data.last.exact ? 50 : 200);
      L.circle(at, { radius: off, color: css('--s1'), weight: 1.5, fillColor: css('--s1'), fillOpacity: .12, dashArray: old ? '4 4' : null, interactive: false }).addTo(layers);
      L.circleMarker(at, { radius: 6, color: css('--panel'), weight: 2, fillColor: css('--s1'), fillOpacity: old ? .5 : 1, interactive: false }).addTo(layers);
      const whole = L.latLng(at).toBounds(2 * Math.min(off, FAR_M)); // so that the edge of its circle is in the picture
      reach.push(whole.getNorthWest(), whole.getSouthEast());
    }
    for (const one of data.comers) {
      if (one.state === 'not') continue;
      const there = one.state === 'there' && home;
      const at = there ? home : place(box, one);
      const goes = one.state !== 'asked';
      if (home && !there) L.polyline([at, home], { color: css(goes ? '--accent' : '--line-strong'), weight: goes ? 3 : 1.5, dashArray: goes ? '8 6' : '2 6', interactive: false }).addTo(layers);
      const minutes = one.minutes === null || there ? '' : ` ${words.wMinutes.replace('{n}', Math.round(one.minutes))}`;
      L.marker(at, { icon: label(words[`w${one.state[0].toUpperCase()}${one.state.slice(1)}`].replace('{name}', one.name) + minutes, there ? 'there is-below' : one.state), interactive: false, keyboard: false }).addTo(layers);
      if (goes) reach.push(at);
    }
    const canvas = box.querySelector('[data-canvas]'); // and the labels in words
    canvas.setAttribute('aria-label', [...canvas.querySelectorAll('.map-label')].map((one) => one.textContent).concat(words.wLegend).join(' · '));
    if (!fitted) {
      fitted = true;
      if (reach.length > 1) map.fitBounds(reach, { paddingTopLeft: [30, 30], paddingBottomRight: [90, 30], maxZoom: 17, animate: false }); else map.setView(middle, 16);
    }
  }

  function written(box, data) { // the same in words, for whoever does not see the picture
    const words = box.dataset;
    const space = box.querySelector('[data-last]');
    if (!data.last) { space.textContent = ''; return; }
    const far = data.last.from_home_m === null ? '' : ` · ${words.wFar.replace('{n}', data.last.from_home_m)}`;
    const clock = document.createElement('time');
    clock.dataset.since = data.last.at_ms;
    const [before, after] = words.wOld.split('{age}');
    const off = data.last.accuracy_m; // what the device says, else on which side of the limit the hub put it
    const how = off === null ? (data.last.exact ? words.wExact : words.wRough) : words.wOff.replace('{n}', Math.max(1, Math.round(off)));
    space.replaceChildren(`${words.wPosition} ${before}`, clock, `${after} · ${how}${far}`);
    window.carehubClock.tick();
  }

  async function fetchOnce() {
    const box = document.getElementById('map');
    if (!box) { map?.remove(); map = host = layers = null; return; }
    if (!window.L) return;
    try {
      const answer = await fetch(box.dataset.url, { headers: { Accept: 'application/json' } });
      if (!answer.ok || !box.isConnected) return;
      draw(box, await answer.json());
    } catch (error) { if (!(error instanceof TypeError && /fetch/i.test(error.message))) throw error; /* a lost line has its banner */ }
  }

  window.carehubMap = { fetchOnce };
  setInterval(fetchOnce, EVERY_MS);
  fetchOnce();
})();
