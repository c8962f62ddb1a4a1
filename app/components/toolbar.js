// Buttons, sliders, legend, help -> calls of the viewer. Shows only what this scan can do.

class Toolbar {
  constructor(viewer, host) {
    this.viewer = viewer;
    this.bar = element("div", "bar", host);
    this.bar.setAttribute("role", "toolbar");
    this.buttons = {};
    const grey = viewer.grid.samples === 1;
    if (grey) this.windowGroup();
    this.viewGroup();
    this.measureGroup();
    if (viewer.ports.some((port) => port.plane.slices > 1)) this.stackGroup(grey);
    this.heat = element("div", "group heat", this.bar);
    this.button(this.bar, "help", "Help", "?", () => viewer.toggleHelp());
  }

  group() {
    return element("div", "group", this.bar);
  }

  button(host, name, text, key, act) {
    const made = element("button", "", host, text);
    made.type = "button";
    made.title = `${text} (${key})`;
    made.dataset.do = name;
    made.addEventListener("click", act);
    this.buttons[name] = made;
    return made;
  }

  select(host, label, options, change) {
    const made = element("select", "", host);
    made.setAttribute("aria-label", label);
    made.title = label;
    for (const [value, text] of options) {
      const option = element("option", "", made, text);
      option.value = value;
    }
    made.addEventListener("change", () => change(made.value));
    return made;
  }

  slider(host, label, least, most, value, change) {
    const box = element("label", "slider", host, label);
    const made = element("input", "", box);
    Object.assign(made, { type: "range", min: least, max: most, step: (most - least) / 200, value });
    made.addEventListener("input", () => change(Number(made.value)));
    return made;
  }

  windowGroup() {
    const { viewer } = this, presets = viewer.scene.presets;
    const host = this.group();
    const options = [["first", "Window: as first shown"], ...presets.map((p, n) => [String(n), `${n + 1} ${p.title}`])];
    options.push(["custom", "Custom"]);
    this.presets = this.select(host, "Window preset", options, (value) => {
      if (value === "first") viewer.firstWindow();
      else if (value !== "custom") viewer.usePreset(Number(value));
      viewer.active.box.focus();
    });
    this.button(host, "invert", "Invert", "I", () => viewer.invert());
  }

  viewGroup() {
    const { viewer } = this;
    const host = this.group();
    this.button(host, "reset", "Reset", "Space", () => viewer.reset());
    if (viewer.ports.length > 1) this.button(host, "enlarge", "Enlarge", "V", () => viewer.enlarge(viewer.active));
    this.button(host, "cross", "Crosshair", "X", () => viewer.toggleCross());
    this.button(host, "mark", "Mark", "M", () => viewer.markHere());
  }

  measureGroup() {
    const { viewer } = this;
    const host = this.group();
    const reason = viewer.scene.noMeasuring;
    for (const [tool, text, key] of [["length", "Length", "L"], ["angle", "Angle", "A"], ["ellipse", "Ellipse", "E"]]) {
      const made = this.button(host, tool, text, key, () => viewer.useTool(viewer.tool === tool ? "window" : tool));
      if (reason) Object.assign(made, { disabled: true, title: reason });
    }
  }

  stackGroup(grey) {
    const { viewer } = this;
    const host = this.group();
    this.button(host, "cine", "Cine", "P", () => viewer.toggleCine());
    if (!grey) return;
    const modes = [["off", "Slab off"], ["max", "MIP"], ["min", "MinIP"], ["mean", "Mean"]];
    this.slab = this.select(host, "Slab (S)", modes, (mode) => viewer.setSlab({ mode }));
    const unit = viewer.grid.spec.spacingKnown ? "mm" : "slices";
    const choices = [5, 10, 20, 40].map((x) => [String(x), `${x} ${unit}`]);
    this.thick = this.select(host, "Slab thickness", choices, (mm) => viewer.setSlab({ mm: Number(mm) }));
    this.thick.value = String(viewer.slab.mm);
  }

  // The heatmap's own controls appear once there is a heatmap.
  showHeat(heat) {
    const { viewer, heat: host } = this;
    host.replaceChildren();
    if (!heat) return;
    this.button(host, "heat", "Heatmap", "H", () => viewer.toggleHeat());
    this.heatMode = this.select(host, "Heatmap style (F)", [["contour", "Contour"], ["fill", "Fill"]], (mode) => {
      viewer.setHeat({ mode, on: true });
    });
    const label = "Threshold";
    this.threshold = this.slider(host, label, 0, heat.scale, viewer.heatLook.threshold, (threshold) => {
      viewer.setHeat({ threshold, on: true });
    });
    this.opacity = this.slider(host, "Opacity", 0.1, 1, 1, (opacity) => viewer.setHeat({ opacity }));
    this.button(host, "cells", "Native cells", "N", () => viewer.toggleCells());
  }

  press(name, on) {
    this.buttons[name]?.setAttribute("aria-pressed", String(Boolean(on)));
  }

  refresh() {
    const v = this.viewer;
    this.press("invert", v.look.inverted !== v.scene.window.inverted);
    this.press("cross", v.cross);
    this.press("enlarge", v.enlarged);
    this.press("cine", v.cine);
    for (const tool of ["length", "angle", "ellipse"]) this.press(tool, v.tool === tool);
    if (this.presets) this.presets.value = v.presetShown();
    if (this.slab) this.slab.value = v.slab.mode;
    if (this.thick) this.thick.hidden = v.slab.mode === "off";
    if (!v.heat) return;
    this.press("heat", v.heatLook.on);
    this.press("cells", v.heatLook.cells);
    this.heatMode.value = v.heatLook.mode;
    this.threshold.value = v.heatLook.threshold;
    this.opacity.parentElement.hidden = v.heatLook.mode !== "fill";
  }
}

function buildLegend(viewer, host) {
  const legend = element("div", "legend", host);
  const ramp = element("canvas", "ramp", legend);
  const words = element("div", "words", legend);
  return {
    refresh() {
      const { heat, heatLook } = viewer;
      legend.hidden = !heat || !heatLook.on;
      if (legend.hidden) return;
      drawRamp(ramp, heat, heatLook);
      const beyond = viewer.heatAnywhere() ? "" : `\n${heat.noRegion}`;
      const from = heatLook.threshold.toPrecision(3), to = heat.scale.toPrecision(3);
      words.textContent = `${heat.legend}\nshown from ${from}, full colour at ${to}; white line: the edge of what the network saw${beyond}`;
    },
  };
}

function drawRamp(ramp, heat, look) {
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
