// Line numbers beside the policy's text, faults marked at their line, and a click on a fault goes to it.
"use strict";
(() => {
  const text = document.getElementById("policy-text");
  const gutter = document.querySelector("[data-editor] .gutter");
  if (!text || !gutter) return;
  const lines = (name) => new Set((text.dataset[name] || "").split(" ").filter(Boolean).map(Number));
  const bad = lines("bad");
  const doubtful = lines("doubtful");
  const sent = text.value;
  const height = () => parseFloat(getComputedStyle(text).lineHeight);

  function number() {
    const count = text.value.split("\n").length;
    // What was found belongs to the text that was sent: once lines are added or gone, the marks would stand wrong.
    const same = count === sent.split("\n").length;
    const rows = [];
    for (let n = 1; n <= count; n += 1) {
      const row = document.createElement("i");
      row.textContent = String(n);
      if (same && bad.has(n)) row.className = "is-bad";
      else if (same && doubtful.has(n)) row.className = "is-doubtful";
      rows.push(row);
    }
    gutter.replaceChildren(...rows);
    gutter.scrollTop = text.scrollTop;
  }

  function goTo(line) {
    const all = text.value.split("\n");
    const start = all.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, start + (all[line - 1] || "").length);
    text.scrollTop = Math.max(0, (line - 6) * height());
  }

  text.addEventListener("input", number);
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    text.scrollIntoView({ block: "nearest" });
    goTo(Number(link.dataset.line));
  });
  number();
  const first = Math.min(...bad, ...doubtful);
  if (Number.isFinite(first)) text.scrollTop = Math.max(0, (first - 6) * height());
})();
