// A heatmap on its own coarse grid -> its values on one plane, contours and fill; as medres.results.overlay does it.
// Knows no page.

const EDGE_TOLERANCE = 1e-6; // voxels
const CONTOUR_COLOUR = "#00e5ff";

function clamp(x, low, high) {
  return x < low ? low : x > high ? high : x;
}

// Trilinear between cell centres, level beyond the outermost ones.
function sampleHeat(heat, x, y, z) {
  const [ni, nj, nk] = heat.shape;
  x = clamp(x, 0, ni - 1);
  y = clamp(y, 0, nj - 1);
  z = clamp(z, 0, nk - 1);
  const i = Math.min(Math.floor(x), Math.max(0, ni - 2));
  const j = Math.min(Math.floor(y), Math.max(0, nj - 2));
  const k = Math.min(Math.floor(z), Math.max(0, nk - 2));
  const a = x - i, b = y - j, c = z - k;
  const at = i + j * ni + k * ni * nj;
  const di = ni > 1 ? 1 : 0, dj = nj > 1 ? ni : 0, dk = nk > 1 ? ni * nj : 0;
  const d = heat.data;
  const near = (d[at] * (1 - a) + d[at + di] * a) * (1 - b) + (d[at + dj] * (1 - a) + d[at + di + dj] * a) * b;
  if (c === 0) return near;
  const up = at + dk;
  const far = (d[up] * (1 - a) + d[up + di] * a) * (1 - b) + (d[up + dj] * (1 - a) + d[up + di + dj] * a) * b;
  return near * (1 - c) + far * c;
}

function nearestCell(heat, x, y, z) {
  const [ni, nj, nk] = heat.shape;
  const i = clamp(Math.floor(x + 0.5), 0, ni - 1), j = clamp(Math.floor(y + 0.5), 0, nj - 1);
  return heat.data[i + j * ni + clamp(Math.floor(z + 0.5), 0, nk - 1) * ni * nj];
}

// Range of u within which origin + u * step stays inside the box that the network was shown, on one axis.
function seenSpan(origin, step, size, span) {
  const low = -0.5 - EDGE_TOLERANCE, high = size - 0.5 + EDGE_TOLERANCE;
  if (Math.abs(step) < 1e-12) return origin >= low && origin <= high ? span : [1, 0];
  const ends = [(low - origin) / step, (high - origin) / step].sort((p, q) => p - q);
  return [Math.max(span[0], Math.ceil(ends[0])), Math.min(span[1], Math.floor(ends[1]))];
}

// A plane's pixels in another grid's index: origin and what one column and one row add.
function planeIn(inverse, plane, s) {
  const into = (p) => applyAffine(inverse, applyAffine(plane.grid.affine, p));
  const origin = into(plane.voxel(0, 0, s));
  const less = (p) => p.map((x, n) => x - origin[n]);
  return { origin, right: less(into(plane.voxel(1, 0, s))), down: less(into(plane.voxel(0, 1, s))) };
}

// Heat over one plane: (rows, columns) float32; 0 outside what the network was shown, where `shown` is 0 too.
function heatOnPlane(heat, plane, s, cells, out, shown) {
  const native = planeIn(heat.inverse, plane, s), seen = planeIn(heat.seenInverse, plane, s);
  const sample = cells ? nearestCell : sampleHeat;
  out.fill(0);
  shown.fill(0);
  for (let v = 0; v < plane.rows; v++) {
    let span = [0, plane.columns - 1];
    for (let axis = 0; axis < 3; axis++) {
      span = seenSpan(seen.origin[axis] + v * seen.down[axis], seen.right[axis], heat.seenShape[axis], span);
    }
    const [x, y, z] = [0, 1, 2].map((axis) => native.origin[axis] + v * native.down[axis]);
    const [dx, dy, dz] = native.right;
    const row = v * plane.columns;
    if (span[1] >= span[0]) shown.fill(1, row + span[0], row + span[1] + 1);
    for (let u = span[0]; u <= span[1]; u++) out[row + u] = sample(heat, x + u * dx, y + u * dy, z + u * dz);
  }
  return out;
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

// Marching squares: pairs of points in pixels (u, v) along which the field crosses `level`. Where `closed`, nothing beyond
// the picture reaches it: a region at the edge is closed along the edge, so that its inside can be told.
function contourSegments(field, columns, rows, level, closed) {
  const segments = [];
  const bar = Math.max(level, 1e-30);
  const cross = (a, b) => (bar - a) / (b - a);
  const add = (p, q) => {
    segments.push(clamp(p[0], -0.5, columns - 0.5), clamp(p[1], -0.5, rows - 0.5));
    segments.push(clamp(q[0], -0.5, columns - 0.5), clamp(q[1], -0.5, rows - 0.5));
  };
  const at = (u, v) => (u >= 0 && v >= 0 && u < columns && v < rows ? field[u + v * columns] : 0);
  const first = closed ? -1 : 0, beyond = closed ? 0 : 1;
  for (let v = first; v < rows - beyond; v++) {
    const inner = v >= 0 && v + 1 < rows;
    for (let u = first, n = v * columns + first; u < columns - beyond; u++, n++) {
      const inside = inner && u >= 0 && u + 1 < columns;
      const a = inside ? field[n] : at(u, v), b = inside ? field[n + 1] : at(u + 1, v);
      const c = inside ? field[n + columns + 1] : at(u + 1, v + 1), d = inside ? field[n + columns] : at(u, v + 1);
      const kind = (a >= bar ? 1 : 0) | (b >= bar ? 2 : 0) | (c >= bar ? 4 : 0) | (d >= bar ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
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
    }
  }
  return segments;
}
