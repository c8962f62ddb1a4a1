// One plane of one scan on one canvas: picture, letters, corners. Knows no toolbar and no server.

function element(tag, className, parent, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  parent?.append(made);
  return made;
}

class Viewport {
  constructor(viewer, host, number) {
    this.viewer = viewer;
    this.number = number;
    this.scan = null;
    this.plane = null;
    this.name = "";
    this.box = element("div", "port", host);
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "img");
    this.canvas = element("canvas", "", this.box);
    this.context = this.canvas.getContext("2d");
    this.corners = {};
    for (const place of ["tl", "tr", "bl", "br"]) this.corners[place] = element("div", `corner ${place}`, this.box);
    this.letters = ["left", "right", "top", "bottom"].map((side) => element("div", `letter ${side}`, this.box));
    this.picture = document.createElement("canvas");
    this.pictureContext = this.picture.getContext("2d");
    this.empty();
  }

  // Nothing is chosen for this place yet.
  empty(text = "Empty. Click a series in the list (T shows it) to see it here.") {
    Object.assign(this, { scan: null, plane: null, name: "" });
    this.letters.forEach((letter) => (letter.hidden = true));
    for (const corner of Object.values(this.corners)) corner.textContent = "";
    this.corners.tl.textContent = text;
    this.box.setAttribute("aria-label", text);
  }

  // Show one plane of one scan; zoom starts anew.
  show(scan, name) {
    const spec = scan.spec.planes.find((one) => one.name === name) || scan.spec.planes[0];
    if (this.scan === scan && this.name === spec.name) return;
    Object.assign(this, { scan, name: spec.name, plane: new Plane(spec, scan.grid), zoom: 1, pan: [0, 0] });
    Object.assign(this, { field: null, sampled: null, painted: "" });
    this.box.dataset.plane = spec.name;
    this.letters.forEach((letter, n) => {
      letter.hidden = !spec.letters[n];
      letter.textContent = spec.letters[n];
    });
    this.picture.width = this.plane.columns;
    this.picture.height = this.plane.rows;
    this.image = this.pictureContext.createImageData(this.plane.columns, this.plane.rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  get index() {
    return this.scan.cursor[this.plane.sliceAxis];
  }

  // The viewer asks all ports before any of them writes, so that the page is laid out once.
  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.wide = this.box.clientWidth;
    const width = Math.max(1, Math.round(this.wide * ratio));
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
    return this.scan.grid.inside(found) ? found : null;
  }

  // Paint the picture where it changed, then draw it with all that lies over it; before the first voxels there is none.
  refresh() {
    if (!this.scan) return this.wipe();
    if (!this.wide) return;
    if (this.scan.ready === "no") return this.waitFor();
    const key = `${this.index} ${this.scan.lookKey()}`;
    if (key !== this.painted) this.paint();
    this.painted = key;
    this.draw();
  }

  waitFor() {
    if (this.drawn) this.wipe();
    this.drawn = false;
    this.write(this.transform());
  }

  wipe() {
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  paint() {
    const { grid, look, slab } = this.scan;
    if (this.scan.colour) paintColour(this.plane, this.index, this.pixels);
    else if (slab.mode !== "off" && this.plane.slices > 1) {
      paintSlab(this.plane, this.index, { mode: slab.mode, half: this.slabHalf() }, look, this.pixels);
    } else if (grid.spec.kind === "float32") paintFloat(this.plane, this.index, look, this.pixels);
    else paintGrey(this.plane, this.index, this.scan.table(), this.pixels);
    this.paintHeat(this.scan.heat, this.scan.heatLook);
    this.pictureContext.putImageData(this.image, 0, 0);
  }

  paintHeat(heat, look) {
    this.field = heat && look.on ? this.sampleHeat(heat, look.cells) : null;
    if (this.field && look.mode === "fill") blendHeat(this.pixels, this.field, heat, look);
  }

  // The heat on this slice, sampled anew only where another slice or another map is shown.
  sampleHeat(heat, cells) {
    const old = this.sampled, { plane, index } = this;
    if (old && old.heat === heat && old.index === index && old.cells === cells) return old.field;
    const field = old?.field || new Float32Array(this.pixels.length);
    const seen = old?.seen || new Uint8Array(this.pixels.length), peaks = old?.peaks || new Float64Array(plane.rows);
    const count = heatOnPlane(heat, plane, index, cells, field, seen, peaks);
    this.sampled = { heat, index, cells, field, seen, peaks, count, contour: null, edge: null };
    return field;
  }

  // Where the heat reaches the threshold, as pairs of points.
  contour() {
    const { sampled, plane } = this, { threshold } = this.scan.heatLook;
    if (sampled.contour?.threshold !== threshold) {
      const segments = contourSegments(sampled.field, plane.columns, plane.rows, threshold, true, sampled.peaks);
      sampled.contour = { threshold, segments };
    }
    return sampled.contour.segments;
  }

  // Where what the network was shown ends, as pairs of points.
  seenEdge() {
    const { sampled, plane } = this;
    const none = sampled.count === 0 || sampled.count === sampled.seen.length;
    sampled.edge ||= none ? [] : contourSegments(sampled.seen, plane.columns, plane.rows, 0.5, false);
    return sampled.edge;
  }

  draw() {
    const c = this.context, t = this.transform();
    this.drawn = true;
    this.wipe();
    c.setTransform(t.a, 0, t.c, t.d, t.e, t.f);
    c.imageSmoothingEnabled = this.viewer.smooth;
    c.drawImage(this.picture, 0, 0);
    c.setTransform(1, 0, 0, 1, 0, 0);
    if (this.field && this.scan.heatLook.mode === "contour") drawContour(this, c, t);
    if (this.field) drawSeen(this, c, t);
    if (this.viewer.cross && this.scan.spec.planes.length > 1) drawCross(this, c);
    drawMark(this, c);
    this.viewer.measures.drawOn(this, c);
    if (this.scan.grid.spec.spacingKnown) drawBar(this, c, t);
    this.write(t);
  }

  outlined(c, text, x, y, align = "left") {
    const ratio = window.devicePixelRatio || 1;
    c.font = wordsFont();
    c.textAlign = align;
    c.lineWidth = 3 * ratio;
    c.strokeStyle = "rgba(0, 0, 0, 0.85)";
    c.strokeText(text, x, y);
    c.fillStyle = "#fff";
    c.fillText(text, x, y);
  }

  write(t) {
    const { look, grid, spec: series } = this.scan;
    const spec = this.plane.spec, known = grid.spec.spacingKnown, stack = this.plane.slices > 1;
    this.corners.tl.textContent = [spec.title, series.captions.study, series.prior].filter(Boolean).join("\n");
    this.corners.tl.classList.toggle("prior", Boolean(series.prior));
    this.corners.tr.textContent = this.viewer.links.words(this.scan);
    const lines = [];
    if (stack) lines.push(`Slice ${this.index + 1} of ${this.plane.slices}`);
    if (known && stack) lines.push(`every ${this.plane.sliceMm.toFixed(2)} mm`, this.positionText());
    if (this.scan.slab.mode !== "off" && stack) lines.push(this.slabText());
    this.corners.bl.textContent = lines.join("\n");
    const zoom = known ? `Zoom ${(t.scale / t.fit).toFixed(2)} x` : "Spacing not known";
    const levels = this.scan.colour ? "Colour" : `WW ${nice(look.width)}  WL ${nice(look.center)}`;
    this.corners.br.textContent = `${levels}${look.inverted ? "  inverted" : ""}\n${zoom}`;
    const words = `Viewport ${this.number}: ${spec.title}, slice ${this.index + 1} of ${this.plane.slices}`;
    this.box.setAttribute("aria-label", words);
  }

  slabHalf() {
    return Math.max(1, Math.round(this.scan.slab.mm / 2 / this.plane.sliceMm));
  }

  slabText() {
    const name = { max: "MIP", min: "MinIP", mean: "Mean" }[this.scan.slab.mode];
    const count = 2 * this.slabHalf() + 1;
    const thick = this.scan.grid.spec.spacingKnown ? `, ${(count * this.plane.sliceMm).toFixed(1)} mm` : "";
    return `${name} of ${count} slices${thick}`;
  }

  // Where the slice lies along the patient's axis that it is stacked along.
  positionText() {
    const along = this.plane.spec.along;
    if (along === null) return "";
    const mm = this.scan.toMm()[along];
    return `${["L R", "P A", "I S"][along].split(" ")[mm >= 0 ? 1 : 0]} ${Math.abs(mm).toFixed(1)} mm`;
  }
}

function wordsFont() {
  return `${12 * (window.devicePixelRatio || 1)}px sans-serif`;
}

function nice(x) {
  return Math.abs(x) >= 100 || Number.isInteger(x) ? String(Math.round(x)) : x.toPrecision(3);
}
