// What a reader does to the active scan: move, window, heat, measure, mark, keep. Added to the Viewer, which owns the
// viewports; knows no mouse and no key.

const SIDE = '[class*="st-key-side-"]'; // the column of opinion and decision

const ACTIONS = {
  step(port, count) {
    if (!port.scan) return;
    const axis = port.plane.sliceAxis;
    port.scan.stepTo(axis, port.scan.cursor[axis] + count * port.plane.spec.down);
    this.moved(port.scan);
  },

  jump(port, where) {
    if (!port.scan) return;
    const first = port.plane.spec.down > 0 ? 0 : port.plane.slices - 1;
    port.scan.stepTo(port.plane.sliceAxis, where < 0 ? first : port.plane.slices - 1 - first);
    this.moved(port.scan);
  },

  moved(scan) {
    this.links.follow(scan);
    this.pointAt(...(this.pointer || [null])); // what lies under the mouse now, else under the crosshair
    this.ask("paint");
  },

  goTo(voxel) {
    this.scan.goTo(voxel);
    this.moved(this.scan);
  },

  goToMm(mm) {
    this.goTo(this.scan.grid.fromMm(mm));
  },

  // A region or a key image of the list on the page: its place, and for a key image its plane and window.
  follow(wanted) {
    const scan = (wanted.series && this.scans.get(wanted.series)) || this.first;
    if (wanted.series && wanted.series !== scan.key) return this.followLater(wanted);
    const port = this.ports.find((one) => one.scan === scan && (!wanted.plane || one.name === wanted.plane));
    if (port) this.activate(port);
    else this.layout.name === "planes" ? this.layout.arrange("planes", scan) : this.active.show(scan, wanted.plane);
    if (wanted.window && !scan.colour) scan.look = { ...scan.look, ...wanted.window };
    if ("slab" in wanted && !scan.colour) scan.useSlab(wanted.slab, this.active);
    if (wanted.mm) scan.goToMm(wanted.mm);
    else this.active.scan.stepTo(this.active.plane.sliceAxis, wanted.index);
    this.moved(scan);
    this.active.box.focus({ preventScroll: true });
  },

  // Its series comes first, then its slice.
  followLater(wanted) {
    this.showSeries(wanted.series);
    if (this.scans.has(wanted.series)) this.follow(wanted);
  },

  windowed() {
    this.links.followWindow(this.scan);
    this.ask("paint");
  },

  dragWindow(dx, dy) {
    this.scan.dragWindow(dx, dy);
    this.windowed();
  },

  usePreset(number) {
    if (this.scan.usePreset(number)) this.windowed();
  },

  firstWindow() {
    this.scan.firstWindow();
    this.windowed();
  },

  invert() {
    if (this.scan.colour) return;
    this.scan.look = { ...this.scan.look, inverted: !this.scan.look.inverted };
    this.windowed();
  },

  reset() {
    this.scan.reset();
    for (const port of this.ports) if (port.scan === this.scan) Object.assign(port, { zoom: 1, pan: [0, 0] });
    this.moved(this.scan);
    this.windowed();
  },

  zoomBy(factor) {
    this.active.mouse.zoomBy(factor);
  },

  toggleCross() {
    this.cross = !this.cross;
    this.ask("draw");
  },

  toggleLinks() {
    this.links.toggle();
    this.say(this.links.on ? "Linked: scans move together from here." : "Not linked: each scan moves alone.");
    this.ask("draw");
  },

  setHeat(change) {
    if (!this.scan.heat) return;
    Object.assign(this.scan.heatLook, change);
    this.ask("paint");
  },

  chooseHeat(number) {
    this.scan.chooseHeat(this.scan.heats[number]);
  },

  toggleHeat() {
    this.setHeat({ on: !this.scan.heatLook.on });
  },

  cycleHeat() {
    this.setHeat({ on: true, mode: this.scan.heatLook.mode === "contour" ? "fill" : "contour" });
  },

  toggleCells() {
    this.setHeat({ on: true, cells: !this.scan.heatLook.cells });
  },

  contour(field, columns, rows, level) {
    return contourSegments(field, columns, rows, level, true);
  },

  // One value's grey level, as it is shown now.
  grey(value) {
    return greyPixel(levelsOf(this.scan.look)(value), this.scan.look.inverted) & 255;
  },

  toMmOf(grid, index) {
    return applyAffine(grid.affine, index);
  },

  toggleCine() {
    const playing = Boolean(this.cine);
    clearInterval(this.cine);
    this.cine = playing ? null : setInterval(() => this.cineStep(), CINE_MS);
    this.ask("draw");
  },

  cineStep() {
    const { plane, scan } = this.active;
    if (!scan) return;
    const axis = plane.sliceAxis;
    scan.stepTo(axis, (scan.cursor[axis] + plane.spec.down + plane.slices) % plane.slices);
    this.moved(scan);
  },

  setSlab(change) {
    if (this.scan.colour) return;
    Object.assign(this.scan.slab, change);
    this.ask("paint");
  },

  cycleSlab() {
    const modes = ["off", "max", "min", "mean"];
    this.setSlab({ mode: modes[(modes.indexOf(this.scan.slab.mode) + 1) % 4] });
  },

  useTool(tool) {
    if (NEEDED[tool] && tool !== "region" && this.scan.spec.noMeasuring) return this.say(this.scan.spec.noMeasuring);
    this.tool = tool;
    this.measures.open = null;
    this.ask("draw");
  },

  switchTool(tool) {
    this.useTool(this.tool === tool ? "window" : tool);
  },

  removeMeasure() {
    this.measures.removeLast();
    this.ask("draw");
  },

  escape() {
    if (!this.help.hidden) return this.toggleHelp(false);
    this.useTool("window");
  },

  // The place under the crosshair becomes the reader's mark.
  markHere() {
    if (this.ownsMark(this.scan)) this.send("mark", { mm: this.scan.toMm() });
  },

  markRegion(port, region) {
    this.useTool("window");
    if (this.ownsMark(port.scan)) this.send("mark", region);
  },

  // A mark belongs to the series that is read; others may carry it only where they share its frame of reference.
  ownsMark(scan) {
    const own = scan === this.first || (scan.spec.frame && scan.spec.frame === this.first.spec.frame);
    if (!own) this.say("Marks belong to the series being read; this one lies in another frame of reference.");
    return own;
  },

  keepImage() {
    const port = this.active;
    if (!port.scan) return;
    const { center, width, function: kind, inverted } = port.scan.look;
    const window = port.scan.colour ? null : { center, width, function: kind, inverted };
    const { slab } = port.scan, thick = slab.mode !== "off" && port.plane.slices > 1;
    const drawn = { measures: this.measures.kept(port), slab: thick ? { mode: slab.mode, half: port.slabHalf() } : null };
    this.send("keep", { series: port.scan.key, plane: port.name, index: port.index, window, ...drawn });
    this.say(`Slice ${port.index + 1} is kept as a key image.`);
  },

  // The side beside the scan is the page's own; its first choice is where a decision begins.
  toForm() {
    const first = document.querySelector(`${SIDE} [data-testid="stForm"] :is(input, button, textarea):not(:disabled)`);
    if (first) first.focus();
    else this.say("There is no form to fill in.");
  },

  inForm(target) {
    return Boolean(target.closest?.(SIDE));
  },

  toggleHelp(on = this.help.hidden) {
    this.help.hidden = !on;
    if (on) this.help.querySelector("button").focus();
    else this.active.box.focus({ preventScroll: true });
  },

  // Value, place and heat under the mouse; without a mouse, at the crosshair.
  pointAt(port, event) {
    this.pointer = port ? [port, event] : [null];
    const scan = port?.scan || this.scan;
    const voxel = port ? port.voxelAt(event) : scan.cursor;
    if (scan.share < 1) this.readout.textContent = `Loading ${Math.floor(100 * scan.share)} %`;
    else this.readout.textContent = voxel ? this.describe(scan, voxel) : "";
  },

  describe(scan, voxel) {
    const value = scan.grid.valueAt(voxel), spec = scan.spec.volume;
    const unit = spec.unit === "1" ? "" : ` ${spec.unit}`;
    const words = [Array.isArray(value) ? `RGB ${value.join(", ")}` : `${nice(value)}${unit}`];
    words.push(`voxel ${voxel.join(", ")}`);
    if (spec.spacingKnown && spec.sidesKnown) words.push(sides(scan.grid.toMm(voxel)));
    if (scan.heat && scan.heatLook.on) words.push(`heat ${scan.heatAt(scan.grid.toMm(voxel)).toPrecision(3)}`);
    return words.join("   ");
  },
};

