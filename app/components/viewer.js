// A scene from the server -> linked planes that a reader drives. Everything interactive happens here; only what the
// reader decides goes back. One viewer for each place on the page.

const CINE_MS = 80;
const viewers = new WeakMap();

class Viewer {
  constructor(root, scene) {
    this.root = root;
    this.scene = scene;
    this.grid = new Grid(scene.volume);
    this.abort = new AbortController();
    this.cursor = this.grid.shape.map((n) => Math.floor(n / 2));
    this.look = { ...scene.window };
    this.heat = null;
    this.heatLook = { on: false, mode: "contour", threshold: 0, opacity: 1, cells: false };
    this.slab = { mode: "off", mm: 10 };
    this.tool = "window";
    this.cross = scene.planes.length > 1;
    this.smooth = true;
    this.measures = new Measures(this);
    this.wanted = new Set();
    this.build();
    this.load();
  }

  build() {
    this.box = element("div", "medres");
    this.box.dataset.ready = "no";
    this.box.medres = this;
    this.top = element("div", "top", this.box);
    this.stage = element("div", `stage planes-${this.scene.planes.length}`, this.box);
    this.ports = this.scene.planes.map((spec) => new Viewport(this, spec, this.stage));
    for (const port of this.ports) port.mouse = new Mouse(this, port);
    this.active = this.ports[0];
    this.active.box.classList.add("active", "main");
    this.toolbar = new Toolbar(this, this.top);
    this.legend = buildLegend(this, this.box);
    const foot = element("div", "foot", this.box);
    this.readout = element("div", "readout", foot);
    this.owner = element("div", "owner", foot);
    this.help = buildHelp(this, this.box);
    this.box.addEventListener("keydown", (event) => onKey(this, event));
    this.root.querySelectorAll(".medres").forEach((old) => old.remove());
    this.root.append(this.box);
    this.sizes = new ResizeObserver(() => this.ask("draw"));
    for (const port of this.ports) this.sizes.observe(port.box);
    this.caption();
    this.active.box.focus({ preventScroll: true });
  }

  caption() {
    const words = this.scene.captions;
    this.owner.textContent = [words.disclaimer, words.model].filter(Boolean).join("  ·  ");
  }

  async load() {
    const mine = this.abort;
    let drawn = false;
    const arrival = (whole) => {
      if (mine.signal.aborted) return;
      if (whole && !drawn) {
        drawn = true;
        this.box.dataset.ready = "first";
        this.ask("paint");
      }
      this.pointAt(null);
    };
    try {
      await fetchGrid(this.grid, this.scene.volume.url, mine.signal, arrival);
      this.ask("paint");
      this.box.dataset.ready = "all";
    } catch (fault) {
      if (!mine.signal.aborted) this.fail("The scan could not be loaded. Open the study again from the worklist.");
    }
    this.loadHeat();
  }

  async loadHeat() {
    const spec = this.scene.heatmap;
    this.toolbar.showHeat(null);
    this.heat = null;
    this.box.dataset.heat = "no";
    if (!spec) return this.ask("paint");
    try {
      const heat = await fetchHeat(spec, this.abort.signal);
      if (this.scene.heatmap !== spec) return;
      this.heat = heat;
      Object.assign(this.heatLook, { on: false, threshold: spec.threshold });
      this.toolbar.showHeat(heat);
      this.box.dataset.heat = "yes";
    } catch (fault) {
      if (!this.abort.signal.aborted) this.fail("The heatmap could not be loaded. Open the study again.");
    }
    this.ask("paint");
  }

  fail(text) {
    this.box.dataset.ready = "failed";
    element("div", "fault", this.stage, text).setAttribute("role", "alert");
  }

  // New words or a heatmap for the same study; another study makes another viewer.
  update(scene) {
    const before = this.scene;
    this.scene = scene;
    this.caption();
    if ((before.heatmap?.url || "") !== (scene.heatmap?.url || "")) this.loadHeat();
    if (scene.goTo && scene.goTo.stamp !== before.goTo?.stamp) this.goToMm(scene.goTo.mm);
    this.ask("draw");
  }

  close() {
    this.abort.abort();
    this.sizes.disconnect();
    clearInterval(this.cine);
  }

  send(name, value) {
    this.trigger?.(name, { value, study: this.scene.study });
  }

  table() {
    const kind = this.scene.volume.kind;
    const key = JSON.stringify([this.look.center, this.look.width, this.look.function, this.look.inverted]);
    if (this.tableKey !== key) {
      this.table_ = windowTable(kind, this.look, this.table_);
      this.tableKey = key;
    }
    return this.table_;
  }

  // One repaint in a frame, however many events came.
  ask(what) {
    if (!this.wanted.size) requestAnimationFrame(() => this.refresh());
    this.wanted.add(what);
  }

  refresh() {
    const paint = this.wanted.has("paint");
    this.wanted.clear();
    const start = performance.now();
    for (const port of this.ports) {
      port.resize();
      if (!port.box.clientWidth) continue;
      if (paint) port.paint();
      else port.draw();
    }
    this.lastWorkMs = performance.now() - start;
    this.toolbar.refresh();
    this.legend.refresh();
    this.box.dataset.frames = String(Number(this.box.dataset.frames || 0) + 1);
  }

  activate(port) {
    if (this.active === port) return;
    this.active.box.classList.remove("active");
    this.active = port;
    port.box.classList.add("active");
  }

  enlarge(port) {
    const alone = this.enlarged && port.box.classList.contains("main");
    for (const other of this.ports) other.box.classList.toggle("main", other === (alone ? this.ports[0] : port));
    this.enlarged = !alone && this.ports.length > 1;
    this.stage.classList.toggle("one", this.enlarged);
    this.ask("draw");
  }

  step(port, count) {
    const axis = port.plane.sliceAxis;
    const at = this.cursor[axis] + count * port.plane.spec.down;
    this.cursor[axis] = clamp(at, 0, port.plane.slices - 1);
    this.ask("paint");
  }

  jump(port, where) {
    const first = port.plane.spec.down > 0 ? 0 : port.plane.slices - 1;
    this.cursor[port.plane.sliceAxis] = where < 0 ? first : port.plane.slices - 1 - first;
    this.ask("paint");
  }

  goTo(voxel) {
    this.cursor = voxel.map((x, axis) => clamp(Math.round(x), 0, this.grid.shape[axis] - 1));
    this.ask("paint");
  }

  goToMm(mm) {
    this.goTo(this.grid.fromMm(mm));
  }

  dragWindow(dx, dy) {
    if (this.grid.samples === 3) return;
    const pace = Math.max(this.look.width, 1e-6) / 300;
    const unit = this.scene.volume.unit === "HU" ? Math.max(1, pace) : pace;
    const least = this.look.function === "linear" ? 1 : 1e-6;
    const { center, width } = this.look.function === "lut" ? this.scene.fallbackWindow : this.look;
    const kind = this.look.function === "lut" ? this.scene.fallbackWindow.function : this.look.function;
    this.look = { ...this.look, function: kind, width: Math.max(least, width + dx * unit), center: center - dy * unit };
    this.ask("paint");
  }

  usePreset(number) {
    const preset = this.scene.presets[number];
    if (!preset) return;
    this.look = { ...this.look, center: preset.center, width: preset.width, function: "linear" };
    this.ask("paint");
  }

  presetShown() {
    const same = (w) => w.center === this.look.center && w.width === this.look.width && w.function === this.look.function;
    const found = this.scene.presets.findIndex((preset) => same({ ...preset, function: "linear" }));
    return found >= 0 ? String(found) : same(this.scene.window) ? "first" : "custom";
  }

  firstWindow() {
    this.look = { ...this.scene.window, inverted: this.look.inverted };
    this.ask("paint");
  }

  invert() {
    if (this.grid.samples === 3) return;
    this.look = { ...this.look, inverted: !this.look.inverted };
    this.ask("paint");
  }

  reset() {
    this.look = { ...this.scene.window };
    for (const port of this.ports) Object.assign(port, { zoom: 1, pan: [0, 0] });
    this.cursor = this.grid.shape.map((n) => Math.floor(n / 2));
    this.slab.mode = "off";
    this.ask("paint");
  }

  toggleCross() {
    this.cross = !this.cross;
    this.ask("draw");
  }

  setHeat(change) {
    if (!this.heat) return;
    Object.assign(this.heatLook, change);
    this.ask("paint");
  }

  toggleHeat() {
    this.setHeat({ on: !this.heatLook.on });
  }

  cycleHeat() {
    this.setHeat({ on: true, mode: this.heatLook.mode === "contour" ? "fill" : "contour" });
  }

  toggleCells() {
    this.setHeat({ on: true, cells: !this.heatLook.cells });
  }

  contour(field, columns, rows, level) {
    return contourSegments(field, columns, rows, level);
  }

  // One value's grey level, as it is shown now.
  grey(value) {
    return greyPixel(levelsOf(this.look)(value), this.look.inverted) & 255;
  }

  toMmOf(grid, index) {
    return applyAffine(grid.affine, index);
  }

  heatAnywhere() {
    return this.heat.data.some((x) => isShown(x, this.heatLook.threshold));
  }

  toggleCine() {
    const playing = Boolean(this.cine);
    clearInterval(this.cine);
    this.cine = playing ? null : setInterval(() => this.cineStep(), CINE_MS);
    this.ask("draw");
  }

  cineStep() {
    const { plane } = this.active;
    this.cursor[plane.sliceAxis] = (this.cursor[plane.sliceAxis] + plane.spec.down + plane.slices) % plane.slices;
    this.ask("paint");
  }

  setSlab(change) {
    if (this.grid.samples === 3) return;
    Object.assign(this.slab, change);
    this.ask("paint");
  }

  cycleSlab() {
    const modes = ["off", "max", "min", "mean"];
    this.setSlab({ mode: modes[(modes.indexOf(this.slab.mode) + 1) % 4] });
  }

  useTool(tool) {
    if (tool !== "window" && this.scene.noMeasuring) return;
    this.tool = tool;
    this.measures.open = null;
    this.stage.classList.toggle("measuring", tool !== "window");
    this.ask("draw");
  }

  // The place under the crosshair becomes the reader's mark.
  markHere() {
    this.send("mark", this.grid.toMm(this.cursor));
  }

  removeMeasure() {
    this.measures.removeLast();
    this.ask("draw");
  }

  toggleHelp(on = this.help.hidden) {
    this.help.hidden = !on;
    if (on) this.help.querySelector("button").focus();
    else this.active.box.focus({ preventScroll: true });
  }

  // Value, place and heat under the mouse; without a mouse, at the crosshair.
  pointAt(port, event) {
    const voxel = port ? port.voxelAt(event) : this.cursor;
    const share = this.grid.arrived / this.grid.bytes.length;
    if (share < 1) this.readout.textContent = `Loading ${Math.floor(100 * share)} %`;
    else this.readout.textContent = voxel ? this.describe(voxel) : "";
  }

  describe(voxel) {
    const value = this.grid.valueAt(voxel), spec = this.scene.volume;
    const words = [Array.isArray(value) ? `RGB ${value.join(", ")}` : `${nice(value)}${spec.unit === "1" ? "" : " " + spec.unit}`];
    words.push(`voxel ${voxel.join(", ")}`);
    if (spec.spacingKnown && spec.sidesKnown) words.push(sides(this.grid.toMm(voxel)));
    if (this.heat && this.heatLook.on) {
      const at = applyAffine(this.heat.inverse, this.grid.toMm(voxel));
      words.push(`heat ${sampleHeat(this.heat, ...at).toPrecision(3)}`);
    }
    return words.join("   ");
  }
}

function sides(mm) {
  const letters = ["LR", "PA", "IS"];
  return mm.map((x, n) => `${letters[n][x >= 0 ? 1 : 0]} ${Math.abs(x).toFixed(1)}`).join("  ") + " mm";
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let viewer = viewers.get(parentElement);
  if (!viewer || viewer.scene.study !== data.study || viewer.scene.volume.url !== data.volume.url) {
    viewer?.close();
    viewer = new Viewer(parentElement, data);
    viewers.set(parentElement, viewer);
  } else viewer.update(data);
  viewer.trigger = setTriggerValue;
  return () => {
    if (parentElement.host && !parentElement.host.isConnected) viewers.get(parentElement)?.close();
  };
}
