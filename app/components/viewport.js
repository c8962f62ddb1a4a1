// One plane on one canvas: picture, contour, crosshair, scale bar, letters, corners. Knows no toolbar and no server.

const CROSS = "rgba(120, 200, 255, 0.75)";
const BAR_LENGTHS_MM = [1, 2, 5, 10, 20, 50, 100, 200];

function element(tag, className, parent, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  parent?.append(made);
  return made;
}

class Viewport {
  constructor(viewer, spec, host) {
    this.viewer = viewer;
    this.plane = new Plane(spec, viewer.grid);
    this.name = spec.name;
    this.zoom = 1;
    this.pan = [0, 0];
    this.box = element("div", "port", host);
    this.box.tabIndex = 0;
    this.box.dataset.plane = spec.name;
    this.box.setAttribute("role", "img");
    this.canvas = element("canvas", "", this.box);
    this.context = this.canvas.getContext("2d");
    this.corners = {};
    for (const place of ["tl", "tr", "bl", "br"]) this.corners[place] = element("div", `corner ${place}`, this.box);
    spec.letters.forEach((letter, n) => {
      if (letter) element("div", `letter ${["left", "right", "top", "bottom"][n]}`, this.box, letter);
    });
    this.picture = document.createElement("canvas");
    this.picture.width = this.plane.columns;
    this.picture.height = this.plane.rows;
    this.pictureContext = this.picture.getContext("2d");
    this.image = this.pictureContext.createImageData(this.plane.columns, this.plane.rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.field = null;
  }

  get index() {
    return this.viewer.cursor[this.plane.sliceAxis];
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
  }

  // Pixel edge coordinates (u, v) -> canvas: x = a u + c v + e, y = d v + f.
  transform() {
    const p = this.plane;
    const wide = p.columns * p.columnMm + p.rows * Math.abs(p.shearMm), high = p.rows * p.rowMm;
    const fit = Math.min(this.canvas.width / wide, this.canvas.height / high);
    const scale = fit * this.zoom;
    const left = p.shearMm < 0 ? -p.rows * p.shearMm : 0;
    const e = this.canvas.width / 2 - (scale * wide) / 2 + scale * left + this.pan[0] * fit;
    const f = this.canvas.height / 2 - (scale * high) / 2 + this.pan[1] * fit;
    return { a: scale * p.columnMm, c: scale * p.shearMm, d: scale * p.rowMm, e, f, scale, fit };
  }

  // Pixel centre (u, v) -> canvas.
  place(u, v) {
    const t = this.transform();
    return [t.a * (u + 0.5) + t.c * (v + 0.5) + t.e, t.d * (v + 0.5) + t.f];
  }

  // Mouse -> fractional pixel (u, v), centres at whole numbers.
  locate(event) {
    const frame = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / Math.max(1, frame.width);
    const x = (event.clientX - frame.left) * ratio, y = (event.clientY - frame.top) * ratio;
    const t = this.transform();
    const v = (y - t.f) / t.d;
    return [(x - t.e - t.c * v) / t.a - 0.5, v - 0.5];
  }

  voxelAt(event) {
    const [u, v] = this.locate(event);
    const found = this.plane.voxel(Math.round(u), Math.round(v), this.index);
    return this.viewer.grid.inside(found) ? found : null;
  }

  paint() {
    const { grid, look, heat, heatLook, slab } = this.viewer;
    if (grid.samples === 3) paintColour(this.plane, this.index, this.pixels);
    else if (slab.mode !== "off" && this.plane.slices > 1) paintSlab(this.plane, this.index, { mode: slab.mode, half: this.slabHalf() }, look, this.pixels);
    else if (grid.spec.kind === "float32") paintFloat(this.plane, this.index, look, this.pixels);
    else paintGrey(this.plane, this.index, this.viewer.table(), this.pixels);
    this.paintHeat(heat, heatLook);
    this.pictureContext.putImageData(this.image, 0, 0);
    this.draw();
  }

  paintHeat(heat, look) {
    if (!heat || !look.on) {
      this.field = null;
      return;
    }
    this.field = this.field || new Float32Array(this.pixels.length);
    this.seen = this.seen || new Uint8Array(this.pixels.length);
    heatOnPlane(heat, this.plane, this.index, look.cells, this.field, this.seen);
    if (look.mode === "fill") blendHeat(this.pixels, this.field, heat, look);
  }

  draw() {
    const c = this.context, t = this.transform();
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.fillStyle = "#000";
    c.fillRect(0, 0, this.canvas.width, this.canvas.height);
    c.setTransform(t.a, 0, t.c, t.d, t.e, t.f);
    c.imageSmoothingEnabled = this.viewer.smooth;
    c.drawImage(this.picture, 0, 0);
    c.setTransform(1, 0, 0, 1, 0, 0);
    if (this.field && this.viewer.heatLook.mode === "contour") this.drawContour(c, t);
    if (this.field) this.drawSeen(c, t);
    if (this.viewer.cross) this.drawCross(c);
    this.drawMark(c);
    this.viewer.measures.drawOn(this, c);
    if (this.viewer.grid.spec.spacingKnown) this.drawBar(c, t);
    this.write(t);
  }

  trace(c, t, field, level) {
    const segments = this.viewer.contour(field, this.plane.columns, this.plane.rows, level);
    c.beginPath();
    for (let n = 0; n < segments.length; n += 4) {
      for (const [at, move] of [[n, "moveTo"], [n + 2, "lineTo"]]) {
        const u = segments[at] + 0.5, v = segments[at + 1] + 0.5;
        c[move](t.a * u + t.c * v + t.e, t.d * v + t.f);
      }
    }
  }

  drawContour(c, t) {
    const ratio = window.devicePixelRatio || 1;
    this.trace(c, t, this.field, this.viewer.heatLook.threshold);
    c.lineCap = "round";
    c.strokeStyle = "rgba(0, 0, 0, 0.8)";
    c.lineWidth = 4 * ratio;
    c.stroke();
    c.strokeStyle = CONTOUR_COLOUR;
    c.lineWidth = 2 * ratio;
    c.stroke();
  }

  // Where the network's view ends: nothing is known beyond.
  drawSeen(c, t) {
    const ratio = window.devicePixelRatio || 1;
    this.trace(c, t, this.seen, 0.5);
    c.lineCap = "butt";
    c.strokeStyle = "rgba(255, 255, 255, 0.75)";
    c.lineWidth = ratio;
    c.stroke();
  }

  drawCross(c) {
    const ratio = window.devicePixelRatio || 1;
    const [u, v] = this.plane.pixel(this.viewer.cursor);
    const [x, y] = this.place(u, v);
    const gap = 12 * ratio;
    c.beginPath();
    c.moveTo(0, y); c.lineTo(x - gap, y); c.moveTo(x + gap, y); c.lineTo(this.canvas.width, y);
    c.moveTo(x, 0); c.lineTo(x, y - gap); c.moveTo(x, y + gap); c.lineTo(x, this.canvas.height);
    c.strokeStyle = CROSS;
    c.lineWidth = ratio;
    c.stroke();
  }

  // The reader's mark, on the slices that it lies in.
  drawMark(c) {
    const { mark } = this.viewer.scene;
    if (!mark) return;
    const at = this.viewer.grid.fromMm(mark);
    if (Math.abs(at[this.plane.sliceAxis] - this.index) > 0.5) return;
    const [x, y] = this.place(...this.plane.pixel(at));
    const size = 9 * (window.devicePixelRatio || 1);
    c.beginPath();
    for (const [dx, dy] of [[-1, 0], [0, -1], [1, 0], [0, 1], [-1, 0]]) c.lineTo(x + dx * size, y + dy * size);
    c.strokeStyle = "rgba(0, 0, 0, 0.8)";
    c.lineWidth = size / 2.5;
    c.stroke();
    c.strokeStyle = "#ff9de2";
    c.lineWidth = size / 5;
    c.stroke();
  }

  drawBar(c, t) {
    const ratio = window.devicePixelRatio || 1;
    const room = this.canvas.width * 0.3;
    const length = BAR_LENGTHS_MM.filter((mm) => mm * t.scale <= room).pop() || BAR_LENGTHS_MM[0];
    const wide = length * t.scale, x = (this.canvas.width - wide) / 2, y = this.canvas.height - 30 * ratio;
    c.beginPath();
    c.moveTo(x, y - 4 * ratio); c.lineTo(x, y); c.lineTo(x + wide, y); c.lineTo(x + wide, y - 4 * ratio);
    c.strokeStyle = "rgba(0, 0, 0, 0.8)";
    c.lineWidth = 4 * ratio;
    c.stroke();
    c.strokeStyle = "#fff";
    c.lineWidth = 1.5 * ratio;
    c.stroke();
    this.outlined(c, length >= 10 ? `${length / 10} cm` : `${length} mm`, x + wide / 2, y - 8 * ratio, "center");
  }

  outlined(c, text, x, y, align = "left") {
    const ratio = window.devicePixelRatio || 1;
    c.font = `${12 * ratio}px sans-serif`;
    c.textAlign = align;
    c.lineWidth = 3 * ratio;
    c.strokeStyle = "rgba(0, 0, 0, 0.85)";
    c.strokeText(text, x, y);
    c.fillStyle = "#fff";
    c.fillText(text, x, y);
  }

  write(t) {
    const { look, grid, slab } = this.viewer;
    const spec = this.plane.spec;
    const known = grid.spec.spacingKnown;
    this.corners.tl.textContent = `${spec.title}\n${this.viewer.scene.captions.study}`;
    const lines = [];
    if (this.plane.slices > 1) lines.push(`Slice ${this.index + 1} of ${this.plane.slices}`);
    if (known && this.plane.slices > 1) lines.push(`${this.positionText()}  every ${this.plane.sliceMm.toFixed(2)} mm`);
    if (slab.mode !== "off" && this.plane.slices > 1) lines.push(this.slabText());
    this.corners.bl.textContent = lines.join("\n");
    const zoom = known ? `Zoom ${(t.scale / t.fit).toFixed(2)} x` : "Spacing not known";
    const levels = grid.samples === 3 ? "Colour" : `WW ${nice(look.width)}  WL ${nice(look.center)}`;
    this.corners.br.textContent = `${levels}${look.inverted ? "  inverted" : ""}\n${zoom}`;
    this.box.setAttribute("aria-label", `${spec.title}, slice ${this.index + 1} of ${this.plane.slices}`);
  }

  slabHalf() {
    return Math.max(1, Math.round(this.viewer.slab.mm / 2 / this.plane.sliceMm));
  }

  slabText() {
    const name = { max: "MIP", min: "MinIP", mean: "Mean" }[this.viewer.slab.mode];
    const count = 2 * this.slabHalf() + 1;
    const thick = this.viewer.grid.spec.spacingKnown ? `, ${(count * this.plane.sliceMm).toFixed(1)} mm` : "";
    return `${name} of ${count} slices${thick}`;
  }

  // Where the slice lies along the patient's axis that it is stacked along.
  positionText() {
    const along = this.plane.spec.along;
    if (along === null) return "";
    const mm = this.viewer.grid.toMm(this.viewer.cursor)[along];
    return `${["L R", "P A", "I S"][along].split(" ")[mm >= 0 ? 1 : 0]} ${Math.abs(mm).toFixed(1)} mm`;
  }
}

function nice(x) {
  return Math.abs(x) >= 100 || Number.isInteger(x) ? String(Math.round(x)) : x.toPrecision(3);
}
