// How many viewports, and what each one shows. Knows the stage on the page; knows no key and no mouse.

const LAYOUTS = {
  planes: { title: "Three planes", ports: 3 },
  "1x1": { title: "1 × 1", ports: 1 },
  "1x2": { title: "1 × 2", ports: 2 },
  "2x2": { title: "2 × 2", ports: 4 },
};

class Layout {
  constructor(viewer, stage) {
    this.viewer = viewer;
    this.stage = stage;
    this.ports = [];
    this.sizes = new ResizeObserver(() => viewer.ask("draw"));
    this.enlarged = false;
  }

  close() {
    this.sizes.disconnect();
  }

  // Viewports are made once and kept; a smaller layout hides the rest.
  arrange(name, scan) {
    this.name = name;
    this.enlarged = false;
    const planes = scan.spec.planes.length;
    const count = name === "planes" ? planes : LAYOUTS[name].ports;
    while (this.ports.length < count) this.add();
    while (this.ports.length > count) this.remove();
    this.stage.className = `stage ${name === "planes" ? `planes-${planes}` : `grid-${name}`}`;
    this.ports.forEach((port, n) => port.box.classList.toggle("main", n === 0));
    if (name === "planes") this.ports.forEach((port, n) => port.show(scan, scan.spec.planes[n].name));
    else this.fill(scan);
  }

  add() {
    const port = new Viewport(this.viewer, this.stage, this.ports.length + 1);
    port.mouse = new Mouse(this.viewer, port);
    this.sizes.observe(port.box);
    this.ports.push(port);
  }

  remove() {
    const port = this.ports.pop();
    this.sizes.unobserve(port.box);
    port.box.remove();
  }

  // Viewports that were shown keep what they show; new ones take the scan's next plane.
  fill(scan) {
    const planes = scan.spec.planes;
    this.ports.forEach((port, n) => {
      if (!port.scan && planes[n]) port.show(scan, planes[n].name);
    });
  }

  enlarge(port) {
    const alone = this.enlarged && port.box.classList.contains("main");
    this.ports.forEach((other) => other.box.classList.toggle("main", other === (alone ? this.ports[0] : port)));
    this.enlarged = !alone && this.ports.length > 1;
    this.stage.classList.toggle("one", this.enlarged);
  }
}
