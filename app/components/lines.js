// What lies over the picture of one viewport: contour, edge of the network's view, crosshair, mark, scale bar.

const CROSS = "rgba(120, 200, 255, 0.75)";
const BAR_LENGTHS_MM = [1, 2, 5, 10, 20, 50, 100, 200];

function trace(c, t, segments) {
  c.beginPath();
  for (let n = 0; n < segments.length; n += 4) {
    for (const [at, move] of [[n, "moveTo"], [n + 2, "lineTo"]]) {
      const u = segments[at] + 0.5, v = segments[at + 1] + 0.5;
      c[move](t.a * u + t.c * v + t.e, t.d * v + t.f);
    }
  }
}

function drawContour(port, c, t) {
  const ratio = window.devicePixelRatio || 1;
  trace(c, t, port.contour());
  c.lineCap = "round";
  stroked(c, "rgba(0, 0, 0, 0.8)", 4 * ratio);
  stroked(c, CONTOUR_COLOUR, 2 * ratio);
}

// Where the network's view ends: nothing is known beyond.
function drawSeen(port, c, t) {
  const edge = port.seenEdge();
  if (!edge.length) return; // none in this plane
  const ratio = window.devicePixelRatio || 1;
  trace(c, t, edge);
  c.lineCap = "butt";
  stroked(c, "rgba(255, 255, 255, 0.75)", ratio);
}

function drawCross(port, c) {
  const ratio = window.devicePixelRatio || 1;
  const [u, v] = port.plane.pixel(port.scan.cursor);
  const [x, y] = port.place(u, v);
  const gap = 12 * ratio;
  c.beginPath();
  c.moveTo(0, y); c.lineTo(x - gap, y); c.moveTo(x + gap, y); c.lineTo(port.canvas.width, y);
  c.moveTo(x, 0); c.lineTo(x, y - gap); c.moveTo(x, y + gap); c.lineTo(x, port.canvas.height);
  stroked(c, CROSS, ratio);
}

// The reader's mark, on the slices that it lies in: a diamond about a point, or the ellipse of a region.
function drawMark(port, c) {
  const { mark, study } = port.viewer.scene;
  const scan = port.scan, own = scan.key === study || (scan.spec.frame && scan.spec.frame === port.viewer.scene.frame);
  if (!mark || !own) return;
  const at = scan.grid.fromMm(mark.mm);
  if (Math.abs(at[port.plane.sliceAxis] - port.index) > 0.5) return;
  const region = mark.axesMm && mark.plane === port.name;
  c.beginPath();
  if (region) regionPath(port, c, at, mark.axesMm);
  else diamondPath(port, c, at);
  const thick = 1.8 * (window.devicePixelRatio || 1);
  stroked(c, "rgba(0, 0, 0, 0.8)", 2 * thick);
  stroked(c, "#ff9de2", thick);
}

function diamondPath(port, c, at) {
  const [x, y] = port.place(...port.plane.pixel(at)), size = 9 * (window.devicePixelRatio || 1);
  for (const [dx, dy] of [[-1, 0], [0, -1], [1, 0], [0, 1], [-1, 0]]) c.lineTo(x + dx * size, y + dy * size);
}

function regionPath(port, c, at, axesMm) {
  const [u, v] = port.plane.pixel(at), ru = axesMm[0] / port.plane.columnMm, rv = axesMm[1] / port.plane.rowMm;
  for (let n = 0; n <= 48; n++) {
    const turn = (2 * Math.PI * n) / 48;
    c.lineTo(...port.place(u + Math.cos(turn) * ru, v + Math.sin(turn) * rv));
  }
}

function stroked(c, colour, width) {
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.stroke();
}

function drawBar(port, c, t) {
  const ratio = window.devicePixelRatio || 1;
  const room = port.canvas.width * 0.3;
  const length = BAR_LENGTHS_MM.filter((mm) => mm * t.scale <= room).pop() || BAR_LENGTHS_MM[0];
  const wide = length * t.scale, x = (port.canvas.width - wide) / 2, y = port.canvas.height - 30 * ratio;
  c.beginPath();
  c.moveTo(x, y - 4 * ratio); c.lineTo(x, y); c.lineTo(x + wide, y); c.lineTo(x + wide, y - 4 * ratio);
  stroked(c, "rgba(0, 0, 0, 0.8)", 4 * ratio);
  stroked(c, "#fff", 1.5 * ratio);
  port.outlined(c, length >= 10 ? `${length / 10} cm` : `${length} mm`, x + wide / 2, y - 8 * ratio, "center");
}
