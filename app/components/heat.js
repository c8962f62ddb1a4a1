// A heatmap on its own coarse grid -> its values on one plane, contours and fill; as medres.results.overlay does it.
// Knows no page.

const EDGE_TOLERANCE = 1e-6; // voxels
const STILL = 1e-12; // voxels a column: rounding, not a step
const CONTOUR_COLOUR = "#00e5ff";

function clamp(x, low, high) {
  return x < low ? low : x > high ? high : x;
}

// Where along one axis of the map the pixels of a row fall: lower cell and share of the upper one.
function placesAlong(size, from, step, count, places) {
  const last = Math.max(0, size - 2);
  for (let u = 0; u < count; u++) {
    const place = clamp(from + u * step, 0, size - 1);
    const cell = Math.min(Math.floor(place), last);
    places.cell[u] = cell;
    places.share[u] = place - cell;
  }
}

function makePlaces(count) {
  return [0, 1, 2].map(() => ({ cell: new Int32Array(count), share: new Float64Array(count) }));
}

// One row of pixels, trilinear between cell centres, level beyond the outermost ones.
function sampleRow(heat, places, first, last, out, row) {
  const d = heat.data, ni = heat.shape[0], nij = ni * heat.shape[1];
  const di = ni > 1 ? 1 : 0, dj = heat.shape[1] > 1 ? ni : 0, dk = heat.shape[2] > 1 ? nij : 0;
  const i = places[0].cell, j = places[1].cell, k = places[2].cell;
  const x = places[0].share, y = places[1].share, z = places[2].share;
  for (let u = first; u <= last; u++) {
    const at = (i[u] + j[u] * ni + k[u] * nij) | 0, up = (at + dk) | 0;
    const a = x[u], b = y[u], c = z[u];
    const near = (d[at] * (1 - a) + d[at + di] * a) * (1 - b) + (d[at + dj] * (1 - a) + d[at + di + dj] * a) * b;
    const far = (d[up] * (1 - a) + d[up + di] * a) * (1 - b) + (d[up + dj] * (1 - a) + d[up + di + dj] * a) * b;
    out[row + u] = c === 0 ? near : near * (1 - c) + far * c;
  }
}

// The value at one place, in native cells.
function sampleHeat(heat, ...place) {
  const places = makePlaces(1), out = new Float32Array(1);
  places.forEach((one, axis) => placesAlong(heat.shape[axis], place[axis], 0, 1, one));
  sampleRow(heat, places, 0, 0, out, 0);
  return out[0];
}

function nearestCell(heat, x, y, z) {
  const [ni, nj, nk] = heat.shape;
  const i = clamp(Math.floor(x + 0.5), 0, ni - 1), j = clamp(Math.floor(y + 0.5), 0, nj - 1);
  return heat.data[i + j * ni + clamp(Math.floor(z + 0.5), 0, nk - 1) * ni * nj];
}

function nearestRow(heat, from, step, span, out, row) {
  for (let u = span[0]; u <= span[1]; u++) {
    out[row + u] = nearestCell(heat, from[0] + u * step[0], from[1] + u * step[1], from[2] + u * step[2]);
  }
}

// Range of u within which origin + u * step stays inside the box that the network was shown, on one axis.
function seenSpan(origin, step, size, span) {
  const low = -0.5 - EDGE_TOLERANCE, high = size - 0.5 + EDGE_TOLERANCE;
  if (Math.abs(step) < STILL) return origin >= low && origin <= high ? span : [1, 0];
  const ends = [(low - origin) / step, (high - origin) / step].sort((p, q) => p - q);
  return [Math.max(span[0], Math.ceil(ends[0])), Math.min(span[1], Math.floor(ends[1]))];
}

// A plane's pixels in another grid's index: origin and what one column and one row add.
function planeIn(inverse, plane, s) {
  const into = (p) => applyAffine(inverse, applyAffine(plane.grid.affine, p));
  const origin = into(plane.voxel(0, 0, s));
  const less = (p) => p.map((x, n) => (Math.abs(x - origin[n]) < STILL ? 0 : x - origin[n]));
  return { origin, right: less(into(plane.voxel(1, 0, s))), down: less(into(plane.voxel(0, 1, s))) };
}

// Heat over one plane: (rows, columns) float32; 0 outside what the network was shown, where `shown` is 0 too. `peaks`
// takes a bound for each row that no value in it exceeds. Gives how many pixels the network was shown.
function heatOnPlane(heat, plane, s, cells, out, shown, peaks) {
  const native = planeIn(heat.inverse, plane, s), seen = planeIn(heat.seenInverse, plane, s);
  const sampled = new HeatRows(heat, native.right, plane.columns);
  let count = 0;
  for (let v = 0; v < plane.rows; v++) {
    let span = [0, plane.columns - 1];
    for (let axis = 0; axis < 3; axis++) {
      span = seenSpan(seen.origin[axis] + v * seen.down[axis], seen.right[axis], heat.seenShape[axis], span);
    }
    const row = v * plane.columns, next = row + plane.columns;
    if (span[1] < span[0]) span = [plane.columns, plane.columns - 1];
    blank(row, row + span[0], out, shown);
    blank(row + span[1] + 1, next, out, shown);
    peaks[v] = 0;
    if (span[1] < span[0]) continue;
    shown.fill(1, row + span[0], row + span[1] + 1);
    count += span[1] - span[0] + 1;
    const from = [0, 1, 2].map((axis) => native.origin[axis] + v * native.down[axis]);
    if (cells) nearestRow(heat, from, native.right, span, out, row);
    peaks[v] = cells ? Infinity : sampled.sample(from, span, out, row);
  }
  return count;
}

function blank(from, to, out, shown) {
  if (to <= from) return;
  out.fill(0, from, to);
  shown.fill(0, from, to);
}

function isShown(value, threshold) {
  return value >= threshold && value > 0;
}

// Fill: colour by value on the fixed scale, opacity rising from the threshold to the scale.
function blendHeat(pixels, field, heat, look) {
  const span = Math.max(heat.scale - look.threshold, 1e-12), [least, most] = heat.opacities;
  for (let n = 0; n < field.length; n++) {
    const value = field[n];
    if (!isShown(value, look.threshold)) continue;
    const share = (least + (most - least) * clamp((value - look.threshold) / span, 0, 1)) * look.opacity;
    const at = 3 * roundHalfEven(clamp(value / Math.max(heat.scale, 1e-12), 0, 1) * 255);
    const under = pixels[n];
    let mixed = 0xff000000;
    for (let c = 0; c < 3; c++) {
      mixed |= roundHalfEven(((under >>> (8 * c)) & 255) * (1 - share) + heat.colours[at + c] * share) << (8 * c);
    }
    pixels[n] = mixed >>> 0;
  }
}

// The cells around the picture, of which some corners lie beyond it, where nothing reaches the bar.
function edgeCells(field, columns, rows, bar, visit) {
  const at = (u, v) => (u >= 0 && v >= 0 && u < columns && v < rows ? field[u + v * columns] : 0);
  const look = (u, v) => {
    const a = at(u, v), b = at(u + 1, v), c = at(u + 1, v + 1), d = at(u, v + 1);
    const kind = (a >= bar ? 1 : 0) | (b >= bar ? 2 : 0) | (c >= bar ? 4 : 0) | (d >= bar ? 8 : 0);
    if (kind !== 0) visit(kind, u, v, a, b, c, d);
  };
  for (let u = -1; u < columns; u++) {
    look(u, -1);
    look(u, rows - 1);
  }
  for (let v = 0; v + 1 < rows; v++) {
    look(-1, v);
    look(columns - 1, v);
  }
}

// Marching squares: pairs of points in pixels (u, v) along which the field crosses `level`. Where `closed`, nothing beyond
// the picture reaches it: a region at the edge is closed along the edge, so that its inside can be told. Rows whose `peaks`
// stay below the level are passed over.
function contourSegments(field, columns, rows, level, closed, peaks) {
  const segments = [];
  const bar = Math.max(level, 1e-30);
  const add = (p, q) => {
    segments.push(clamp(p[0], -0.5, columns - 0.5), clamp(p[1], -0.5, rows - 0.5));
    segments.push(clamp(q[0], -0.5, columns - 0.5), clamp(q[1], -0.5, rows - 0.5));
  };
  const cross = (a, b) => (bar - a) / (b - a);
  const visit = (kind, u, v, a, b, c, d) => {
    const top = () => [u + cross(a, b), v], right = () => [u + 1, v + cross(b, c)];
    const bottom = () => [u + cross(d, c), v + 1], left = () => [u, v + cross(a, d)];
    if (kind === 1 || kind === 14) add(left(), top());
    else if (kind === 2 || kind === 13) add(top(), right());
    else if (kind === 3 || kind === 12) add(left(), right());
    else if (kind === 4 || kind === 11) add(right(), bottom());
    else if (kind === 6 || kind === 9) add(top(), bottom());
    else if (kind === 7 || kind === 8) add(left(), bottom());
    else if (kind === 5) { add(left(), top()); add(right(), bottom()); }
    else { add(top(), right()); add(left(), bottom()); }
  };
  for (let v = 0; v + 1 < rows; v++) {
    if (peaks && peaks[v] < bar && peaks[v + 1] < bar) continue;
    let n = v * columns;
    let kept = (field[n] >= bar ? 1 : 0) | (field[n + columns] >= bar ? 8 : 0); // corners shared with the cell before
    for (let u = 0; u + 1 < columns; u++, n++) {
      const right = (field[n + 1] >= bar ? 2 : 0) | (field[n + columns + 1] >= bar ? 4 : 0);
      const kind = kept | right;
      if (kind !== 0 && kind !== 15) {
        visit(kind, u, v, field[n], field[n + 1], field[n + columns + 1], field[n + columns]);
      }
      kept = ((right & 2) >> 1) | ((right & 4) << 1);
    }
  }
  if (closed) edgeCells(field, columns, rows, bar, visit);
  return segments;
}
