// Mouse and keys -> what the viewer does. Left drag windows, wheel scrolls, middle drag pans, right drag zooms.

const CLICK_PIXELS = 4; // less movement than this is a click
const ZOOM_LIMITS = [0.25, 20];

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
    box.addEventListener("dblclick", () => viewer.tool === "window" && viewer.enlarge(port));
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    box.addEventListener("focus", () => viewer.activate(port));
  }

  down(event) {
    event.preventDefault();
    this.port.box.focus({ preventScroll: true });
    this.port.box.setPointerCapture(event.pointerId);
    this.drag = { button: event.button, x: event.clientX, y: event.clientY, moved: 0 };
    if (event.button === 0 && this.viewer.tool !== "window") {
      this.viewer.measures.press(this.port, event, this.viewer.tool);
      this.viewer.ask("draw");
    }
  }

  move(event) {
    this.viewer.pointAt(this.port, event);
    if (this.viewer.tool !== "window" && this.viewer.measures.move(this.port, event)) this.viewer.ask("draw");
    if (!this.drag) return;
    const dx = event.clientX - this.drag.x, dy = event.clientY - this.drag.y;
    this.drag.moved += Math.abs(dx) + Math.abs(dy);
    Object.assign(this.drag, { x: event.clientX, y: event.clientY });
    if (this.drag.button === 0 && this.viewer.tool === "window" && this.drag.moved > CLICK_PIXELS) {
      this.viewer.dragWindow(dx, dy);
    } else if (this.drag.button === 1) this.panBy(dx, dy);
    else if (this.drag.button === 2) this.zoomBy(Math.exp(-dy / 150));
  }

  up(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag || drag.button !== 0) return;
    if (this.viewer.tool !== "window") {
      this.viewer.measures.release(this.port);
      this.viewer.ask("draw");
    } else if (drag.moved <= CLICK_PIXELS) {
      const found = this.port.voxelAt(event);
      if (found) this.viewer.goTo(found);
    }
  }

  panBy(dx, dy) {
    const { fit } = this.port.transform();
    const ratio = window.devicePixelRatio || 1;
    this.port.pan = [this.port.pan[0] + (dx * ratio) / fit, this.port.pan[1] + (dy * ratio) / fit];
    this.viewer.ask("draw");
  }

  zoomBy(factor) {
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

// What each key does; the help overlay lists the same table.
const KEYS = [
  ["ArrowUp", "↑ ↓", "one slice up or down", (v) => v.step(v.active, -1)],
  ["ArrowDown", "", "", (v) => v.step(v.active, 1)],
  ["Home", "Home, End", "first or last slice", (v) => v.jump(v.active, -Infinity)],
  ["End", "", "", (v) => v.jump(v.active, Infinity)],
  ["PageUp", "PgUp, PgDn", "study before or after this one in the worklist", (v) => v.send("turn", -1)],
  ["PageDown", "", "", (v) => v.send("turn", 1)],
  ["Tab", "Tab", "next plane or button"],
  ["1", "1 – 8", "CT presets: brain, subdural, stroke, lung, mediastinum, abdomen, liver, bone"],
  ["Shift+arrows", "Shift + arrows", "window wider, narrower, brighter, darker"],
  ["i", "I", "invert", (v) => v.invert()],
  [" ", "Space", "reset window, zoom and position", (v) => v.reset()],
  ["h", "H", "heatmap on or off", (v) => v.toggleHeat()],
  ["f", "F", "heatmap as contour or fill", (v) => v.cycleHeat()],
  ["n", "N", "heatmap's native cells", (v) => v.toggleCells()],
  ["x", "X", "crosshair on or off", (v) => v.toggleCross()],
  ["v", "V", "enlarge this plane, and back", (v) => v.enlarge(v.active)],
  ["+", "+ −", "zoom in or out", (v) => v.active.mouse.zoomBy(1.2)],
  ["=", "", "", (v) => v.active.mouse.zoomBy(1.2)],
  ["-", "", "", (v) => v.active.mouse.zoomBy(1 / 1.2)],
  ["p", "P", "cine: play or stop", (v) => v.toggleCine()],
  ["s", "S", "slab: off, MIP, MinIP, mean", (v) => v.cycleSlab()],
  ["w", "W", "left drag windows", (v) => v.useTool("window")],
  ["l", "L", "measure a length", (v) => v.useTool("length")],
  ["a", "A", "measure an angle: three clicks", (v) => v.useTool("angle")],
  ["e", "E", "ellipse: mean, SD, area", (v) => v.useTool("ellipse")],
  ["m", "M", "mark the place under the crosshair, for your reading", (v) => v.markHere()],
  ["Delete", "Delete", "remove the last measurement", (v) => v.removeMeasure()],
  ["Backspace", "", "", (v) => v.removeMeasure()],
  ["?", "?", "this help", (v) => v.toggleHelp()],
  ["Escape", "Esc", "close the help", (v) => v.toggleHelp(false)],
];

const MOUSE_HELP = [
  ["Left drag", "window: right wider, up darker"],
  ["Left click", "crosshair here in every plane"],
  ["Wheel", "slices"],
  ["Middle drag", "pan"],
  ["Right drag", "zoom"],
  ["Double click", "enlarge this plane, and back"],
];

function onKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
  event.stopPropagation(); // the page's own shortcuts stay out of a reader's way
  if (event.composedPath()[0].matches?.("input, select, button") && [" ", "Enter", "ArrowUp", "ArrowDown"].includes(event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const acted = shiftArrow(viewer, event) || presetKey(viewer, key) || tableKey(viewer, key);
  if (acted) event.preventDefault();
}

function shiftArrow(viewer, event) {
  const move = { ArrowUp: [0, -10], ArrowDown: [0, 10], ArrowLeft: [-10, 0], ArrowRight: [10, 0] }[event.key];
  if (!event.shiftKey || !move) return false;
  viewer.dragWindow(...move);
  return true;
}

function presetKey(viewer, key) {
  if (!/^[1-9]$/.test(key)) return false;
  viewer.usePreset(Number(key) - 1);
  return true;
}

function tableKey(viewer, key) {
  const found = KEYS.find((entry) => entry[0] === key && entry[3]);
  if (found) found[3](viewer);
  return Boolean(found);
}
