// Points in voxels -> length, angle and ellipse in mm, drawn where they were made. Knows no toolbar.

const NEEDED = { length: 2, ellipse: 2, angle: 3, region: 2 };
const COLOURS = { region: "#ff9de2" };

function lengthMm(grid, p, q) {
  return norm(grid.toMm(p).map((x, n) => x - grid.toMm(q)[n]));
}

function angleDegrees(grid, p, apex, q) {
  const centre = grid.toMm(apex);
  const a = grid.toMm(p).map((x, n) => x - centre[n]), b = grid.toMm(q).map((x, n) => x - centre[n]);
  return (Math.acos(clamp(dot(a, b) / (norm(a) * norm(b)), -1, 1)) * 180) / Math.PI;
}

// Mean and standard deviation of the values whose centres lie in the ellipse; its area in mm².
function ellipseFacts(plane, s, p, q) {
  const [u0, v0] = plane.pixel(p), [u1, v1] = plane.pixel(q);
  const cu = (u0 + u1) / 2, cv = (v0 + v1) / 2, ru = Math.abs(u1 - u0) / 2, rv = Math.abs(v1 - v0) / 2;
  const { at, du, dv } = plane.walk(s);
  let count = 0, sum = 0, squares = 0;
  for (let v = Math.max(0, Math.ceil(cv - rv)); v <= Math.min(plane.rows - 1, cv + rv); v++) {
    for (let u = Math.max(0, Math.ceil(cu - ru)); u <= Math.min(plane.columns - 1, cu + ru); u++) {
      if (((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2 > 1) continue;
      const x = plane.grid.data[at + u * du + v * dv];
      if (!Number.isFinite(x)) continue;
      count++;
      sum += x;
      squares += x * x;
    }
  }
  const mean = sum / count;
  const deviation = count > 1 ? Math.sqrt(Math.max(0, squares - count * mean * mean) / (count - 1)) : 0;
  return { count, mean, deviation, areaMm2: Math.PI * ru * plane.columnMm * rv * plane.rowMm };
}

// An ellipse drawn about a finding -> its centre and its half-axes along columns and rows, mm.
function regionOf(m, port) {
  const [p, q] = m.points, plane = port.plane;
  const [u0, v0] = plane.pixel(p), [u1, v1] = plane.pixel(q);
  const axesMm = [(Math.abs(u1 - u0) / 2) * plane.columnMm, (Math.abs(v1 - v0) / 2) * plane.rowMm];
  return { mm: port.scan.grid.toMm(p.map((x, n) => (x + q[n]) / 2)), plane: port.name, axesMm };
}

class Measures {
  constructor(viewer) {
    this.viewer = viewer;
    this.list = [];
    this.open = null;
  }

  // Fractional voxel under the mouse, on this viewport's slice.
  point(port, event) {
    const [u, v] = port.locate(event);
    return port.plane.voxel(u, v, port.index);
  }

  press(port, event, kind) {
    const p = this.point(port, event);
    if (this.open && this.open.kind === "angle" && this.isOn(this.open, port)) this.open.points.push(p);
    else this.open = { kind, scan: port.scan.key, plane: port.name, slice: port.index, points: [p, p] };
  }

  isOn(m, port) {
    return m.scan === port.scan.key && m.plane === port.name && m.slice === port.index;
  }

  // Those that lie on what a viewport shows.
  on(port) {
    return this.list.filter((m) => this.isOn(m, port));
  }

  move(port, event) {
    if (!this.open || !this.isOn(this.open, port)) return false;
    this.open.points[this.open.points.length - 1] = this.point(port, event);
    return true;
  }

  release(port) {
    const m = this.open;
    if (!m || m.points.length < NEEDED[m.kind]) return;
    this.open = null;
    const [u0, v0] = port.plane.pixel(m.points[0]), [u1, v1] = port.plane.pixel(m.points[1]);
    if (Math.hypot(u1 - u0, v1 - v0) <= 0.5) return;
    if (m.kind === "region") this.viewer.markRegion(port, regionOf(m, port));
    else this.list.push(m);
  }

  removeLast() {
    if (this.open) this.open = null;
    else this.list.pop();
  }

  // What a key image keeps of them.
  kept(port) {
    return this.on(port).map((m) => ({ kind: m.kind, points: m.points, text: this.text(m, port) }));
  }

  clear() {
    this.list = [];
    this.open = null;
  }

  facts(port, p, q) {
    return ellipseFacts(port.plane, port.index, p, q);
  }

  text(m, port) {
    const { grid } = port.scan;
    if (m.kind === "region") return "";
    if (m.kind === "length") return `${lengthMm(grid, m.points[0], m.points[1]).toFixed(1)} mm`;
    if (m.kind === "angle") return m.points.length < 3 ? "" : `${angleDegrees(grid, ...m.points).toFixed(1)}°`;
    if (grid.samples === 3) return `${ellipseFacts(port.plane, m.slice, ...m.points).areaMm2.toFixed(0)} mm²`;
    const f = ellipseFacts(port.plane, m.slice, ...m.points);
    if (!f.count) return "";
    const unit = grid.spec.unit === "1" ? "" : ` ${grid.spec.unit}`;
    return `mean ${f.mean.toFixed(1)}${unit}, SD ${f.deviation.toFixed(1)}, ${f.areaMm2.toFixed(0)} mm²`;
  }

  drawOn(port, c) {
    for (const m of [...this.list, this.open].filter((m) => m && this.isOn(m, port))) this.drawOne(m, port, c);
  }

  drawOne(m, port, c) {
    const ratio = window.devicePixelRatio || 1;
    const places = m.points.map((p) => port.place(...port.plane.pixel(p)));
    c.beginPath();
    if (m.kind === "ellipse" || m.kind === "region") this.ellipsePath(c, m, port);
    else places.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y)));
    stroked(c, "rgba(0, 0, 0, 0.8)", 3.5 * ratio);
    stroked(c, COLOURS[m.kind] || "#7dff8a", 1.5 * ratio);
    this.words(m, port, c, places);
  }

  // Beside the whole drawing, on the side where there is room, so that nothing that was measured is covered.
  words(m, port, c, places) {
    const text = this.text(m, port);
    if (!text) return;
    const ratio = window.devicePixelRatio || 1;
    const xs = places.map(([x]) => x), ys = places.map(([, y]) => y);
    c.font = wordsFont();
    const wide = c.measureText(text).width + 12 * ratio;
    const right = Math.max(...xs) + wide < port.canvas.width || Math.min(...xs) < wide;
    const x = right ? Math.max(...xs) + 8 * ratio : Math.min(...xs) - 8 * ratio;
    const y = clamp((Math.min(...ys) + Math.max(...ys)) / 2 + 4 * ratio, 14 * ratio, port.canvas.height - 8 * ratio);
    port.outlined(c, text, Math.min(x, port.canvas.width - wide + 8 * ratio), y, right ? "left" : "right");
  }

  ellipsePath(c, m, port) {
    const [u0, v0] = port.plane.pixel(m.points[0]), [u1, v1] = port.plane.pixel(m.points[1]);
    for (let n = 0; n <= 48; n++) {
      const turn = (2 * Math.PI * n) / 48;
      const u = (u0 + u1) / 2 + (Math.cos(turn) * (u1 - u0)) / 2, v = (v0 + v1) / 2 + (Math.sin(turn) * (v1 - v0)) / 2;
      const [x, y] = port.place(u, v);
      if (n) c.lineTo(x, y);
      else c.moveTo(x, y);
    }
  }
}
