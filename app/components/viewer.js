// A scene from the server -> viewports that a reader drives. Everything interactive happens here; only what the
// reader decides goes back. One viewer for each place on the page.

const CINE_MS = 80;
const SCANS_KEPT = 5; // in the browser's memory
const NOTE_MS = 3500;
const viewers = new WeakMap();

class Viewer {
  constructor(root, scene) {
    this.root = root;
    this.scene = scene;
    this.tool = "window";
    this.cross = true;
    this.smooth = true;
    this.wanted = new Set();
    this.pending = null; // a series that was asked for and the viewports that wait for it
    this.measures = new Measures(this);
    this.links = new Links(this);
    this.first = new Scan(scene, (scan, what) => this.heard(scan, what));
    this.scans = new Map([[this.first.key, this.first]]);
    this.build();
  }

  build() {
    this.box = element("div", "medres");
    this.box.dataset.ready = "no";
    this.box.dataset.heat = "no";
    this.box.medres = this;
    this.top = element("div", "top", this.box);
    const middle = element("div", "middle", this.box);
    this.chooser = new Chooser(this, element("div", "strip", middle));
    this.stage = element("div", "stage", middle);
    this.layout = new Layout(this, this.stage);
    this.layout.arrange("planes", this.first);
    recallArranged(this);
    this.active = this.ports[0];
    this.active.box.classList.add("active");
    this.toolbar = new Toolbar(this, this.top);
    this.legend = buildLegend(this, this.box);
    this.foot();
    this.help = buildHelp(this, this.box);
    this.box.addEventListener("keydown", (event) => onKey(this, event));
    this.pageKeys = (event) => onPageKey(this, event);
    document.addEventListener("keydown", this.pageKeys, true);
    this.root.querySelectorAll(".medres").forEach((old) => old.remove());
    this.root.append(this.box);
    this.read(this.scene);
    this.active.box.focus({ preventScroll: true });
  }

  foot() {
    const foot = element("div", "foot", this.box);
    this.readout = element("div", "readout", foot);
    this.spoken = element("div", "spoken", this.box);
    this.spoken.setAttribute("role", "status");
    this.owner = element("div", "owner", foot);
  }

  get ports() {
    return this.layout.ports;
  }

  get scan() {
    return this.active.scan || this.first;
  }

  get cursor() {
    return this.scan.cursor;
  }

  get look() {
    return this.scan.look;
  }

  get grid() {
    return this.scan.grid;
  }

  get heat() {
    return this.scan.heat;
  }

  get heatLook() {
    return this.scan.heatLook;
  }

  // Scans on screen now, the one that is read first.
  shownScans() {
    const shown = [...new Set(this.ports.map((port) => port.scan).filter(Boolean))];
    return shown.sort((a, b) => Number(b === this.first) - Number(a === this.first));
  }

  // Words of a new scene for the same study; another study makes another viewer.
  read(scene) {
    this.owner.textContent = [scene.captions.disclaimer, scene.captions.model].filter(Boolean).join("  ·  ");
    this.chooser.fill(scene.series || []);
    for (const spec of scene.others || []) this.scans.get(spec.key)?.update(spec);
    this.arrived();
    this.ask("draw");
  }

  update(scene) {
    const before = this.scene;
    this.scene = scene;
    this.first.update(scene);
    this.read(scene);
    if (scene.goTo && scene.goTo.stamp !== before.goTo?.stamp) this.follow(scene.goTo);
  }

  close() {
    for (const scan of this.scans.values()) scan.close();
    this.layout.close();
    document.removeEventListener("keydown", this.pageKeys, true);
    clearInterval(this.cine);
  }

  // What a scan reports while it loads.
  heard(scan, what) {
    if (!this.box) return;
    const all = [...this.scans.values()].map((one) => one.ready);
    const order = ["failed", "no", "first", "all"];
    this.box.dataset.ready = order[Math.min(...all.map((ready) => order.indexOf(ready)))];
    this.box.dataset.heat = this.first.heat ? "yes" : "no";
    if (what === "failed") this.fail(scan.fault);
    if (what === "arrived") this.pointAt(null);
    else this.ask("paint");
  }

  fail(text) {
    element("div", "fault", this.stage, text).setAttribute("role", "alert");
  }

  send(name, value) {
    this.trigger?.(name, { value, study: this.scene.study });
  }

  say(text) {
    this.spoken.textContent = text;
    clearTimeout(this.unsay);
    this.unsay = setTimeout(() => (this.spoken.textContent = ""), NOTE_MS);
  }

  // One repaint in a frame, however many events came.
  ask(what) {
    if (!this.wanted.size) requestAnimationFrame(() => this.refresh());
    this.wanted.add(what);
  }

  refresh() {
    this.wanted.clear();
    const start = performance.now();
    for (const port of this.ports) port.resize();
    for (const port of this.ports) port.refresh();
    this.lastWorkMs = performance.now() - start;
    this.toolbar.refresh();
    this.chooser.refresh();
    this.legend.refresh();
    this.box.dataset.frames = String(Number(this.box.dataset.frames || 0) + 1);
  }

  activate(port) {
    if (this.active === port) return;
    this.active.box.classList.remove("active");
    this.active = port;
    port.box.classList.add("active");
    if (this.ports.some((one) => one.scan !== port.scan)) this.ask("draw");
  }

  activateNumber(number) {
    this.ports[number - 1]?.box.focus({ preventScroll: true });
  }

  activateBeside(step) {
    const place = this.ports.indexOf(this.active) + step + this.ports.length;
    this.activateNumber((place % this.ports.length) + 1);
  }

  enlarge(port) {
    this.layout.enlarge(port);
    this.ask("draw");
  }

  useLayout(name) {
    const { scan } = this;
    this.layout.arrange(name, scan);
    if (!this.ports.includes(this.active)) this.activate(this.ports[0]);
    this.active.box.focus({ preventScroll: true });
    this.forget();
    keepArranged(this);
    this.ask("draw");
  }

  cycleLayout() {
    const names = Object.keys(LAYOUTS);
    this.useLayout(names[(names.indexOf(this.layout.name) + 1) % names.length]);
  }

  usePlane(name) {
    this.active.show(this.scan, name);
    keepArranged(this);
    this.ask("draw");
  }

  cyclePlane() {
    const { scan } = this.active;
    if (!scan || this.layout.name === "planes") return this.say("Planes are chosen in the layouts 1 × 1, 1 × 2 and 2 × 2 (Y).");
    const names = scan.spec.planes.map((plane) => plane.name);
    this.usePlane(names[(names.indexOf(this.active.name) + 1) % names.length]);
  }

  // Show a series in the active viewport, in all three where they belong together.
  showSeries(key, ports = this.layout.name === "planes" ? this.ports : [this.active]) {
    this.pending = { key, ports };
    if (this.scans.has(key) || this.specOf(key)) return this.arrived();
    this.say("Reading the series ...");
    this.send("show", key);
  }

  specOf(key) {
    return (this.scene.others || []).find((spec) => spec.key === key);
  }

  // The series that was asked for came with a scene: it takes its place.
  arrived() {
    const spec = this.pending && this.specOf(this.pending.key);
    const known = this.pending && this.scans.get(this.pending.key);
    if (!spec && !known) return;
    const { ports } = this.pending;
    this.pending = null;
    const scan = known || new Scan(spec, (one, what) => this.heard(one, what));
    this.scans.set(scan.key, scan);
    if (this.layout.name === "planes") this.layout.arrange("planes", scan);
    else for (const port of ports) port.show(scan, port.name || scan.spec.planes[0].name);
    if (!this.ports.includes(this.active)) this.activate(this.ports[0]);
    this.alignNewcomer(scan);
    this.forget();
    this.heard(scan, "paint");
    if (this.recalling) recallNext(this);
    keepArranged(this);
  }

  // A newcomer that is tied to what is shown begins at the same place.
  alignNewcomer(scan) {
    const mate = this.shownScans().find((one) => one !== scan && this.links.between(one, scan));
    if (mate) this.links.follow(mate);
  }

  // Scans that are not on screen leave the memory, the oldest first; the one that is read stays.
  forget() {
    const shown = new Set(this.shownScans());
    for (const [key, scan] of this.scans) {
      if (this.scans.size <= SCANS_KEPT) return;
      if (scan === this.first || shown.has(scan)) continue;
      scan.close();
      this.scans.delete(key);
    }
  }

  turnSeries(step) {
    const next = this.chooser.beside(this.scan.key, step);
    if (next) this.showSeries(next);
    else this.say("No further series in this study. Shift + PgDn: the next study.");
  }

  // The scan as it was made, or laid onto the patient's axes; its title says which.
  toggleAxes() {
    const key = this.chooser.reformatted;
    if (!key) return this.say("This scan lies on the patient's axes already, or they are not known.");
    this.showSeries(this.scan.key === key ? this.first.key : key);
  }

  toggleSeries() {
    this.chooser.toggle();
    this.ask("draw");
  }

  // The open series on the left, the prior's most similar one on the right.
  compare() {
    const key = this.chooser.priorOf(this.first.key);
    if (!key) return this.say("This patient has no prior study of this modality here.");
    const plane = this.active.scan === this.first ? this.active.name : this.first.spec.planes[0].name;
    this.layout.arrange("1x2", this.first);
    this.ports[0].show(this.first, plane);
    this.ports[1].empty("The prior is being read ...");
    this.ports[1].name = plane;
    this.activate(this.ports[0]);
    this.showSeries(key, [this.ports[1]]);
  }
}

Object.assign(Viewer.prototype, ACTIONS);

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
  if (viewer.recalling && !viewer.pending) recallNext(viewer);
  return () => {
    if (parentElement.host && !parentElement.host.isConnected) viewers.get(parentElement)?.close();
  };
}
