// Quickens what works without it: a training's progress as it goes.
(() => {
  const run = document.getElementById("run");
  if (!run || run.dataset.state !== "running" || !("EventSource" in window)) return;
  const put = (id, text) => { const e = document.getElementById(id); if (e) e.textContent = text; };
  const source = new EventSource(`/api/v1/runs/${encodeURIComponent(run.dataset.run)}/events`);
  const draw = (event) => {
    const state = JSON.parse(event.data);
    const points = state.points.filter((p) => typeof p.loss === "number");
    put("run-state", state.state);
    put("run-log", state.log.join("\n"));
    if (!points.length) return;
    const [first, last] = [points[0], points[points.length - 1]];
    const losses = points.map((p) => p.loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const wide = Math.max(last.step - first.step, 1), tall = Math.max(high - low, 1e-9);
    const at = (p) => `${(50 + (p.step - first.step) / wide * 580).toFixed(1)},${(210 - (p.loss - low) / tall * 190).toFixed(1)}`;
    document.getElementById("loss-line").setAttribute("points", points.map(at).join(" "));
    put("loss-low", low.toFixed(3)); put("loss-high", high.toFixed(3)); put("step-first", first.step); put("step-last", last.step);
    put("loss-now", `Step ${last.step}: ${last.loss.toFixed(4)}`);
  };
  source.addEventListener("progress", draw);
  source.addEventListener("end", (event) => { draw(event); source.close(); });
})();
// On a narrow screen the menu is closed until it is asked for.
(() => {
  const menu = document.querySelector(".menu");
  if (menu && window.matchMedia("(max-width: 60rem)").matches) menu.open = false;
})();
