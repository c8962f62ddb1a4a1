// Buttons, lists and sliders -> calls of the viewer. Shows only what the active scan can do, and is built anew for
// another one.

const TOOLS = [["length", "Length", "L"], ["angle", "Angle", "A"], ["ellipse", "Ellipse", "E"]];

class Toolbar {
  constructor(viewer, host) {
    this.viewer = viewer;
    this.bar = element("div", "bar", host);
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Tools");
  }

  // One toolbar for one scan and one set of series.
  build(scan, state) {
    Object.assign(this, { scan, state, buttons: {} });
    for (const name of ["presets", "slab", "thick", "plane", "model"]) this[name] = null;
    this.bar.replaceChildren();
    this.layoutGroup();
    if (!scan.colour) this.windowGroup();
    this.viewGroup();
    this.measureGroup();
    if (scan.spec.planes.length > 1 || scan.grid.shape[2] > 1) this.stackGroup();
    this.heat = element("div", "group heat", this.bar);
    this.showHeat();
    this.button(this.bar, "help", "Help", "?", () => this.viewer.toggleHelp());
  }

  group() {
    return element("div", "group", this.bar);
  }

  button(host, name, text, key, act) {
    const made = element("button", "", host, text);
    made.type = "button";
    made.title = `${text} (${key})`;
    made.setAttribute("aria-keyshortcuts", key);
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
    made.addEventListener("change", () => {
      change(made.value);
      this.viewer.active.box.focus({ preventScroll: true });
    });
    return made;
  }

  slider(host, label, least, most, value, change) {
    const box = element("label", "slider", host, label);
    const made = element("input", "", box);
    Object.assign(made, { type: "range", min: least, max: most, step: (most - least) / 200, value });
    made.addEventListener("input", () => change(Number(made.value)));
    return made;
  }

  layoutGroup() {
    const { viewer } = this;
    const host = this.group();
    const several = this.scan.spec.planes.length > 1;
    const names = Object.keys(LAYOUTS).filter((name) => several || name !== "planes" || viewer.layout.name === "planes");
    const options = names.map((name) => [name, several || name !== "planes" ? LAYOUTS[name].title : "One picture"]);
    this.layouts = this.select(host, "Layout (Y)", options, (name) => viewer.useLayout(name));
    if (several && viewer.layout.name !== "planes") {
      const planes = this.scan.spec.planes.map((plane) => [plane.name, plane.title.split(",")[0]]);
      this.plane = this.select(host, "Plane (O)", planes, (name) => viewer.usePlane(name));
    }
    if (viewer.scene.series?.length > 1) this.button(host, "series", "Series", "T", () => viewer.toggleSeries());
    if (viewer.chooser.reformatted) this.button(host, "axes", "Patient axes", "Q", () => viewer.toggleAxes());
    if (viewer.chooser.hasPrior()) this.button(host, "compare", "Compare", "B", () => viewer.compare());
    if (viewer.shownScans().length > 1) this.button(host, "link", "Link", "U", () => viewer.toggleLinks());
  }

  windowGroup() {
    const { viewer } = this;
    const host = this.group();
    const options = [["first", "Window: as first shown"], ...this.scan.spec.presets.map((p, n) => [String(n), `${n + 1} ${p.title}`])];
    options.push(["custom", "Custom"]);
    this.presets = this.select(host, "Window preset", options, (value) => {
      if (value === "first") viewer.firstWindow();
      else if (value !== "custom") viewer.usePreset(Number(value));
    });
    this.button(host, "invert", "Invert", "I", () => viewer.invert());
  }

  viewGroup() {
    const { viewer } = this;
    const host = this.group();
    this.button(host, "reset", "Reset", "Space", () => viewer.reset());
    if (viewer.ports.length > 1) this.button(host, "enlarge", "Enlarge", "V", () => viewer.enlarge(viewer.active));
    if (this.scan.spec.planes.length > 1) this.button(host, "cross", "Crosshair", "X", () => viewer.toggleCross());
    this.button(host, "mark", "Mark", "M", () => viewer.markHere());
    this.button(host, "region", "Region", "R", () => viewer.switchTool("region"));
    this.button(host, "keep", "Key image", "K", () => viewer.keepImage());
  }

  measureGroup() {
    const { viewer } = this;
    const host = this.group();
    const reason = this.scan.spec.noMeasuring;
    for (const [tool, text, key] of TOOLS) {
      const made = this.button(host, tool, text, key, () => viewer.switchTool(tool));
      if (reason) Object.assign(made, { disabled: true, title: reason });
    }
  }

  stackGroup() {
    const { viewer } = this;
    const host = this.group();
    this.button(host, "cine", "Cine", "P", () => viewer.toggleCine());
    if (this.scan.colour) return;
    const modes = [["off", "Slab off"], ["max", "MIP"], ["min", "MinIP"], ["mean", "Mean"]];
    this.slab = this.select(host, "Slab (S)", modes, (mode) => viewer.setSlab({ mode }));
    const unit = this.scan.grid.spec.spacingKnown ? "mm" : "slices";
    const choices = [5, 10, 20, 40].map((x) => [String(x), `${x} ${unit}`]);
    this.thick = this.select(host, "Slab thickness", choices, (mm) => viewer.setSlab({ mm: Number(mm) }));
  }

  // The heatmap's own controls appear once there is a heatmap.
  showHeat() {
    const { viewer, scan, heat: host } = this;
    if (!scan.heat) return;
    this.button(host, "heat", "Heatmap", "H", () => viewer.toggleHeat());
    if (scan.heats.length > 1) {
      const models = scan.heats.map((heat, n) => [String(n), heat.model]);
      this.model = this.select(host, "Heatmap of which model", models, (n) => viewer.chooseHeat(Number(n)));
    }
    this.heatMode = this.select(host, "Heatmap style (F)", [["contour", "Contour"], ["fill", "Fill"]], (mode) => {
      viewer.setHeat({ mode, on: true });
    });
    this.threshold = this.slider(host, "Threshold", 0, scan.heat.scale, scan.heatLook.threshold, (threshold) => {
      viewer.setHeat({ threshold, on: true });
    });
    this.opacity = this.slider(host, "Opacity", 0.1, 1, 1, (opacity) => viewer.setHeat({ opacity }));
    this.button(host, "cells", "Native cells", "N", () => viewer.toggleCells());
  }

  press(name, on) {
    this.buttons[name]?.setAttribute("aria-pressed", String(Boolean(on)));
  }

  refresh() {
    const v = this.viewer, scan = v.scan;
    const shown = v.shownScans().length;
    const state = [v.layout.name, v.chooser.key, shown, scan.heat ? scan.heats.map((heat) => heat.model).join() : ""].join(" ");
    if (this.scan !== scan || this.state !== state) this.build(scan, state);
    this.press("invert", scan.look.inverted !== scan.spec.window.inverted);
    this.press("cross", v.cross);
    this.press("enlarge", v.layout.enlarged);
    this.press("cine", v.cine);
    this.press("link", v.links.on && v.links.whole());
    this.press("axes", scan.key === v.chooser.reformatted);
    this.press("series", !v.chooser.host.hidden);
    for (const tool of ["length", "angle", "ellipse", "region"]) this.press(tool, v.tool === tool);
    this.layouts.value = v.layout.name;
    if (this.plane) this.plane.value = v.active.name;
    if (this.presets) this.presets.value = scan.presetShown();
    if (this.slab) this.slab.value = scan.slab.mode;
    if (this.thick) Object.assign(this.thick, { hidden: scan.slab.mode === "off", value: String(scan.slab.mm) });
    if (scan.heat) this.refreshHeat(scan);
  }

  refreshHeat({ heatLook, heats, heat }) {
    this.press("heat", heatLook.on);
    this.press("cells", heatLook.cells);
    if (this.model) this.model.value = String(heats.indexOf(heat));
    this.heatMode.value = heatLook.mode;
    this.threshold.max = heat.scale;
    this.threshold.value = heatLook.threshold;
    this.opacity.parentElement.hidden = heatLook.mode !== "fill";
  }
}
