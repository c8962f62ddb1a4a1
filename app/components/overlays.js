// The heatmap's legend and the help. Each is built once and shows itself when it has something to say.

const STEPS =
  "A study: look, go to the form on the right (D), choose a finding and record it as the first one (Ctrl + S). Then the models' " +
  "opinions and heatmaps come (Esc, H). Mark what you found (M, R), keep key images (K), record the final reading (D, Ctrl + S), go on (Ctrl + →).";

function buildLegend(viewer, host) {
  const legend = element("div", "legend", host);
  const ramp = element("canvas", "ramp", legend);
  const words = element("div", "words", legend);
  return {
    refresh() {
      const { heat, heatLook } = viewer.scan;
      legend.hidden = !heat || !heatLook.on;
      if (legend.hidden) return;
      drawRamp(ramp, heat, heatLook);
      const beyond = viewer.scan.heatAnywhere() ? "" : `\n${heat.noRegion}`;
      const from = heatLook.threshold.toPrecision(3), to = heat.scale.toPrecision(3);
      words.textContent = `${heat.legend}\nshown from ${from}, full colour at ${to}; white line: the edge of what the network saw${beyond}`;
    },
  };
}

function drawRamp(ramp, heat, look) {
  if (ramp.shows?.heat === heat && ramp.shows.threshold === look.threshold) return;
  ramp.shows = { heat, threshold: look.threshold };
  ramp.width = 256;
  ramp.height = 12;
  const c = ramp.getContext("2d");
  for (let n = 0; n < 256; n++) {
    const shown = isShown((n / 255) * heat.scale, look.threshold);
    c.fillStyle = shown ? `rgb(${heat.colours[3 * n]}, ${heat.colours[3 * n + 1]}, ${heat.colours[3 * n + 2]})` : "#333";
    c.fillRect(n, 0, 1, 12);
  }
  c.fillStyle = CONTOUR_COLOUR;
  c.fillRect(Math.round((255 * look.threshold) / heat.scale) - 1, 0, 2, 12);
}

function buildHelp(viewer, host) {
  const help = element("div", "help", host);
  help.hidden = true;
  help.setAttribute("role", "dialog");
  help.setAttribute("aria-label", "Mouse and keys");
  const sheet = element("div", "sheet", help);
  element("h2", "", sheet, "Mouse and keys");
  element("p", "steps", sheet, STEPS);
  const list = element("div", "columns", sheet);
  const rows = [...MOUSE_HELP, ...KEYS.filter((key) => key[1]).map((key) => [key[1], key[2]])];
  for (const [hand, does] of rows) {
    const row = element("div", "row", list);
    element("kbd", "", row, hand);
    element("span", "", row, does);
  }
  const close = element("button", "", sheet, "Close (Esc)");
  close.addEventListener("click", () => viewer.toggleHelp(false));
  help.addEventListener("click", (event) => event.target === help && viewer.toggleHelp(false));
  return help;
}
