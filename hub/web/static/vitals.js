// The live heart rate of the open incident: one small chart, fetched every five seconds while it is looked at.
(() => {
  'use strict';
  const EVERY_MS = 5000;
  const words = document.getElementById('words').dataset;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot = null;
  let host = null;

  function draw(box, data) {
    const space = box.querySelector('[data-plot]');
    const any = data.heart_rate_bpm.some((v) => v !== null);
    space.querySelector('[data-none]').hidden = any;
    const columns = [data.at, data.heart_rate_bpm];
    if (plot && host === box) { plot.setData(columns); return; }
    if (!any) return;
    plot?.destroy();
    host = box;
    plot = new uPlot({
      width: Math.max(200, space.clientWidth), height: 120, legend: { show: false }, cursor: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), document.body.dataset.zone),
      scales: { y: { range: (_, low, high) => [Math.min(50, low - 5), Math.max(120, high + 5)] } },
      axes: [
        { stroke: css('--plot-axis'), font: '11px system-ui', grid: { stroke: css('--plot-grid') }, ticks: { show: false }, size: 22, incrs: [60, 120, 300, 600], values: (_, ticks) => ticks.map((s) => new Intl.DateTimeFormat('zh-CN', { timeZone: document.body.dataset.zone, hour: '2-digit', minute: '2-digit', hour12: false }).format(s * 1000)) },
        { stroke: css('--plot-axis'), font: '11px system-ui', grid: { stroke: css('--plot-grid') }, ticks: { show: false }, size: 34, splits: () => [60, 90, 120, 150] },
      ],
      series: [{}, { stroke: css('--plot'), width: 2, fill: `${css('--plot')}14`, spanGaps: false, points: { show: false } }],
    }, columns, space);
  }

  function tell(box, data) { // what the curve shows, for those who do not see it
    const space = box.querySelector('[data-plot]');
    const seen = data.heart_rate_bpm.filter((v) => v !== null);
    if (!seen.length) { space.removeAttribute('role'); space.removeAttribute('aria-label'); return; }
    space.setAttribute('role', 'img');
    space.setAttribute('aria-label', words.chart.replace('{low}', Math.round(Math.min(...seen))).replace('{high}', Math.round(Math.max(...seen))).replace('{last}', Math.round(seen.at(-1))));
  }

  function write(box, data) {
    const put = (name, text) => { box.querySelector(`[data-${name}]`).textContent = text; };
    put('bpm', data.last_bpm === null ? '–' : Math.round(data.last_bpm));
    put('spo2', data.last_spo2 === null ? '–' : Math.round(data.last_spo2));
    const change = data.trend;
    put('trend', change === null ? '' : change === 0 ? `→ ${words.flat}` : (change > 0 ? `↗ ${words.up}` : `↘ ${words.down}`).replace('{n}', Math.abs(Math.round(change))));
    box.querySelector('[data-trend]').classList.toggle('is-steady', change === 0);
    const age = data.last_at === null ? null : window.carehubClock.now() / 1000 - data.last_at;
    put('at', age === null ? '' : words.ago.replace('{age}', window.carehubClock.span(age)));
    box.classList.toggle('is-old', age === null || age > 120);
  }

  async function fetchOnce() {
    const box = document.getElementById('vitals');
    if (!box) { plot?.destroy(); plot = host = null; return; }
    try {
      const answer = await fetch(box.dataset.url, { headers: { Accept: 'application/json' } });
      if (!answer.ok) return;
      const data = await answer.json();
      if (!box.isConnected) return;
      write(box, data);
      draw(box, data);
      tell(box, data);
    } catch { /* the banner of the live connection says what is wrong */ }
  }

  window.carehubVitals = { fetchOnce };
  window.addEventListener('resize', () => { const box = document.getElementById('vitals'); if (plot && box) plot.setSize({ width: Math.max(200, box.querySelector('[data-plot]').clientWidth), height: 120 }); });
  setInterval(fetchOnce, EVERY_MS);
  fetchOnce();
})();
