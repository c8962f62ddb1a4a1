// One series in the browser's memory: its voxels, where the crosshair stands, how it is shown. Knows no page.

class Scan {
  constructor(spec, tell) {
    this.spec = spec;
    this.key = spec.key || spec.study;
    this.tell = tell;
    this.grid = new Grid(spec.volume);
    this.abort = new AbortController();
    this.cursor = this.middle();
    this.look = { ...spec.window };
    this.slab = { mode: "off", mm: 10 };
    this.heats = [];
    this.heat = null;
    this.heatLook = { on: false, mode: "contour", threshold: 0, opacity: 1, cells: false };
    this.ready = "no";
    this.version = 0;
    this.load();
  }

  middle() {
    return this.grid.shape.map((n) => Math.floor(n / 2));
  }

  close() {
    this.abort.abort();
  }

  get colour() {
    return this.grid.samples === 3;
  }

  get share() {
    return this.grid.arrived / this.grid.bytes.length;
  }

  async load() {
    const { signal } = this.abort;
    const arrival = (whole) => {
      if (signal.aborted) return;
      if (whole && this.ready === "no") this.reach("first");
      this.tell(this, "arrived");
    };
    try {
      await fetchGrid(this.grid, this.spec.volume.url, signal, arrival);
      this.reach("all");
    } catch (fault) {
      if (!signal.aborted) this.fail("The scan could not be loaded. Open the study again from the worklist.");
    }
    this.loadHeats();
  }

  reach(ready) {
    this.ready = ready;
    this.version += 1;
    this.tell(this, "paint");
  }

  fail(text) {
    this.ready = "failed";
    this.fault = text;
    this.tell(this, "failed");
  }

  async loadHeats() {
    const wanted = this.spec.heatmaps || [];
    if (this.heat && !wanted.length) this.chooseHeat(null);
    this.wantedHeats = wanted;
    try {
      const heats = await Promise.all(wanted.map((spec) => fetchHeat(spec, this.abort.signal)));
      if (this.wantedHeats !== wanted) return;
      this.heats = heats;
      this.chooseHeat(heats[0] || null);
    } catch (fault) {
      if (!this.abort.signal.aborted) this.fail("The heatmap could not be loaded. Open the study again.");
    }
  }

  // The heatmap of one model; it stays off until the reader asks for it.
  chooseHeat(heat) {
    this.heat = heat;
    Object.assign(this.heatLook, { on: this.heatLook.on && Boolean(heat), threshold: heat ? heat.threshold : 0 });
    this.tell(this, "heat");
    this.tell(this, "paint");
  }

  // New words or heatmaps for the same voxels.
  update(spec) {
    const urls = (one) => (one.heatmaps || []).map((heat) => heat.url).join(" ");
    const changed = urls(this.spec) !== urls(spec);
    this.spec = spec;
    if (changed) this.loadHeats();
  }

  toMm() {
    return this.grid.toMm(this.cursor);
  }

  goTo(voxel) {
    const rounded = voxel.map(Math.round);
    this.beyond = !this.grid.inside(rounded);
    this.cursor = rounded.map((x, axis) => clamp(x, 0, this.grid.shape[axis] - 1));
  }

  goToMm(mm) {
    this.goTo(this.grid.fromMm(mm));
  }

  stepTo(axis, at) {
    this.beyond = false;
    this.cursor[axis] = clamp(at, 0, this.grid.shape[axis] - 1);
  }

  // Grey levels of every stored value under the present window.
  table() {
    const key = JSON.stringify([this.look.center, this.look.width, this.look.function, this.look.inverted]);
    if (this.tableKey !== key) {
      this.table_ = windowTable(this.spec.volume.kind, this.look, this.table_);
      this.tableKey = key;
    }
    return this.table_;
  }

  // What a picture depends on beside its slice: it is painted anew only when this changes.
  lookKey() {
    const { center, width, inverted } = this.look, heat = this.heat && this.heatLook.on ? this.heatLook : 0;
    const which = heat ? this.heats.indexOf(this.heat) : -1;
    return JSON.stringify([center, width, this.look.function, inverted, this.slab, heat, which, this.version]);
  }

  dragWindow(dx, dy) {
    if (this.colour) return;
    const pace = Math.max(this.look.width, 1e-6) / 300;
    const unit = this.spec.volume.unit === "HU" ? Math.max(1, pace) : pace;
    const from = this.look.function === "lut" ? this.spec.fallbackWindow : this.look;
    const least = from.function === "linear" ? 1 : 1e-6;
    const width = Math.max(least, from.width + dx * unit);
    this.look = { ...this.look, function: from.function, width, center: from.center - dy * unit };
  }

  usePreset(number) {
    const preset = this.spec.presets[number];
    if (preset) this.look = { ...this.look, center: preset.center, width: preset.width, function: "linear" };
    return Boolean(preset);
  }

  presetShown() {
    const same = (w) => w.center === this.look.center && w.width === this.look.width && w.function === this.look.function;
    const found = this.spec.presets.findIndex((preset) => same({ ...preset, function: "linear" }));
    return found >= 0 ? String(found) : same(this.spec.window) ? "first" : "custom";
  }

  // A key image's slab of so many slices on either side, along the viewport that shows it; null shows slices alone.
  useSlab(slab, port) {
    if (!slab) this.slab.mode = "off";
    else Object.assign(this.slab, { mode: slab.mode, mm: 2 * slab.half * port.plane.sliceMm });
  }

  firstWindow() {
    this.look = { ...this.spec.window, inverted: this.look.inverted };
  }

  reset() {
    this.look = { ...this.spec.window };
    this.cursor = this.middle();
    this.beyond = false;
    this.slab.mode = "off";
  }

  heatAnywhere() {
    return this.heat.data.some((x) => isShown(x, this.heatLook.threshold));
  }

  heatAt(mm) {
    return sampleHeat(this.heat, ...applyAffine(this.heat.inverse, mm));
  }
}
