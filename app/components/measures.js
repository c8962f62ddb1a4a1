// Points in voxels -> length, angle and ellipse in mm, drawn where they were made. Knows no toolbar.

const NEEDED = { length: 2, ellipse: 2, angle: 3 };

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
    if (this.open && this.open.plane === port.name && this.open.kind === "angle" && this.open.slice === port.index) {
      this.open.points.push(p);
    } else this.open = { kind, plane: port.name, slice: port.index, points: [p, p] };
  }

  move(port, event) {
    if (!this.open || this.open.plane !== port.name) return false;
    this.open.points[this.open.points.length - 1] = this.point(port, event);
    return true;
  }

  release(port) {
    const m = this.open;
    if (!m || m.points.length < NEEDED[m.kind]) return;
    this.open = null;
    const [u0, v0] = port.plane.pixel(m.points[0]), [u1, v1] = port.plane.pixel(m.points[1]);
    if (Math.hypot(u1 - u0, v1 - v0) > 0.5) this.list.push(m);
  }

  removeLast() {
    if (this.open) this.open = null;
    else this.list.pop();
  }

  clear() {
    this.list = [];
    this.open = null;
  }

  facts(port, p, q) {
    return ellipseFacts(port.plane, port.index, p, q);
  }

  text(m, port) {
    const grid = this.viewer.grid;
    if (m.kind === "length") return `${lengthMm(grid, m.points[0], m.points[1]).toFixed(1)} mm`;
    if (m.kind === "angle") return m.points.length < 3 ? "" : `${angleDegrees(grid, ...m.points).toFixed(1)}°`;
    if (grid.samples === 3) return `${ellipseFacts(port.plane, m.slice, ...m.points).areaMm2.toFixed(0)} mm²`;
    const f = ellipseFacts(port.plane, m.slice, ...m.points);
    if (!f.count) return "";
    const unit = grid.spec.unit === "1" ? "" : ` ${grid.spec.unit}`;
    return `mean ${f.mean.toFixed(1)}${unit}, SD ${f.deviation.toFixed(1)}, ${f.areaMm2.toFixed(0)} mm²`;
  }

  drawOn(port, c) {
    const here = (m) => m.plane === port.name && m.slice === port.index;
    for (const m of [...this.list, this.open].filter((m) => m && here(m))) this.drawOne(m, port, c);
  }

  drawOne(m, port, c) {
    const ratio = window.devicePixelRatio || 1;
    const places = m.points.map((p) => port.place(...port.plane.pixel(p)));
    c.beginPath();
    if (m.kind === "ellipse") this.ellipsePath(c, m, port);
    else places.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.strokeStyle = "rgba(0, 0, 0, 0.8)";
    c.lineWidth = 3.5 * ratio;
    c.stroke();
    c.strokeStyle = "#7dff8a";
    c.lineWidth = 1.5 * ratio;
    c.stroke();
    const [x, y] = places[places.length - 1];
    const right = x > port.canvas.width * 0.6;
    port.outlined(c, this.text(m, port), x + (right ? -8 : 8) * ratio, y - 8 * ratio, right ? "right" : "left");
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
