// The mouse -> what the viewer does. Left drag windows, wheel scrolls, middle drag pans, right drag zooms.

const CLICK_PIXELS = 4; // less movement than this is a click
const ZOOM_LIMITS = [0.25, 20];
const DRAWING = ["length", "angle", "ellipse", "region"]; // tools that put points down

class Mouse {
  constructor(viewer, port) {
    this.viewer = viewer;
    this.port = port;
    this.drag = null;
    this.wheelRest = 0;
    const box = port.box;
    box.addEventListener("pointerdown", (event) => this.down(event));
    box.addEventListener("pointermove", (event) => this.move(event));
    box.addEventListener("pointerup", (event) => this.up(event));
    box.addEventListener("pointercancel", () => (this.drag = null));
    box.addEventListener("pointerleave", () => viewer.pointAt(null));
    box.addEventListener("contextmenu", (event) => event.preventDefault());
    box.addEventListener("auxclick", (event) => event.preventDefault());
    box.addEventListener("dblclick", () => !this.draws() && viewer.enlarge(port));
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    box.addEventListener("focus", () => viewer.activate(port));
  }

  down(event) {
    event.preventDefault();
    this.port.box.focus({ preventScroll: true });
    this.port.box.setPointerCapture(event.pointerId);
    this.drag = { button: event.button, x: event.clientX, y: event.clientY, moved: 0 };
    if (event.button === 0 && this.draws()) {
      this.viewer.measures.press(this.port, event, this.viewer.tool);
      this.viewer.ask("draw");
    }
  }

  draws() {
    return this.port.scan && DRAWING.includes(this.viewer.tool);
  }

  move(event) {
    if (!this.port.scan) return;
    this.viewer.pointAt(this.port, event);
    if (this.draws() && this.viewer.measures.move(this.port, event)) this.viewer.ask("draw");
    if (!this.drag) return;
    const dx = event.clientX - this.drag.x, dy = event.clientY - this.drag.y;
    this.drag.moved += Math.abs(dx) + Math.abs(dy);
    Object.assign(this.drag, { x: event.clientX, y: event.clientY });
    const does = ["", "pan", "zoom"][this.drag.button] || (this.drag.button === 0 ? this.viewer.tool : "");
    if (does === "pan") this.panBy(dx, dy);
    else if (does === "zoom") this.zoomBy(Math.exp(-dy / 150));
    else if (does === "window" && this.drag.moved > CLICK_PIXELS) this.viewer.dragWindow(dx, dy);
  }

  up(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag || drag.button !== 0) return;
    if (this.draws()) {
      this.viewer.measures.release(this.port);
      this.viewer.ask("draw");
    } else if (drag.moved <= CLICK_PIXELS && this.port.scan) {
      const found = this.port.voxelAt(event);
      if (found) this.viewer.goTo(found);
    }
  }

  panBy(dx, dy) {
    if (!this.port.scan) return;
    const { fit } = this.port.transform();
    const ratio = window.devicePixelRatio || 1;
    this.port.pan = [this.port.pan[0] + (dx * ratio) / fit, this.port.pan[1] + (dy * ratio) / fit];
    this.viewer.ask("draw");
  }

  zoomBy(factor) {
    if (!this.port.scan) return;
    const before = this.port.zoom;
    this.port.zoom = clamp(before * factor, ...ZOOM_LIMITS);
    const grown = this.port.zoom / before;
    this.port.pan = this.port.pan.map((x) => x * grown);
    this.viewer.ask("draw");
  }

  wheel(event) {
    event.preventDefault();
    event.stopPropagation();
    if (event.ctrlKey) return this.zoomBy(Math.exp(-event.deltaY / 300));
    this.wheelRest += event.deltaMode === 0 ? event.deltaY / 50 : event.deltaY;
    const steps = Math.trunc(this.wheelRest);
    if (!steps) return;
    this.wheelRest -= steps;
    this.viewer.activate(this.port);
    this.viewer.step(this.port, clamp(steps, -3, 3));
  }
}
