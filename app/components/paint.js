// Values, window and heatmap -> pixels of one plane. Knows no page: the same numbers as medres.results.figures.

// Values shown black and white, by DICOM's LINEAR (PS3.3 C.11.2.1.2.1) or LINEAR_EXACT.
function windowBounds(look) {
  if (look.function === "linear_exact") return [look.center - look.width / 2, look.center + look.width / 2];
  const half = (Math.max(look.width, 1) - 1) / 2;
  return [look.center - 0.5 - half, look.center - 0.5 + half];
}

function roundHalfEven(y) {
  const low = Math.floor(y), rest = y - low;
  return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low + (low & 1);
}

// A look -> the function that gives a value's grey level; the file's own lookup table, or a window.
function levelsOf(look) {
  if (look.function === "lut") return (x) => roundHalfEven(interpolate(look.lut[0], look.lut[1], x) * 255);
  const [lower, upper] = windowBounds(look);
  if (!(upper > lower)) return (x) => (x > lower ? 255 : 0);
  const span = upper - lower;
  return (x) => {
    const y = (x - lower) / span;
    return y > 0 ? roundHalfEven(Math.min(1, y) * 255) : 0; // NaN is black
  };
}

function interpolate(xs, ys, x) {
  const last = xs.length - 1;
  if (!(x > xs[0])) return ys[0];
  if (x >= xs[last]) return ys[last];
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
}

function greyPixel(grey, inverted) {
  const g = inverted ? 255 - grey : grey;
  return (0xff000000 | (g << 16) | (g << 8) | g) >>> 0;
}

// One entry for each value that the stored kind can take.
function windowTable(kind, look, table) {
  const lowest = kind === "int16" ? -32768 : 0;
  const size = kind === "int16" ? 65536 : 256;
  const out = table && table.length === size ? table : new Uint32Array(size);
  const level = levelsOf(look);
  for (let n = 0; n < size; n++) out[n] = greyPixel(level(n + lowest), look.inverted);
  return out;
}

function paintGrey(plane, s, table, out) {
  const { at, du, dv } = plane.walk(s);
  const data = plane.grid.data;
  const offset = data instanceof Int16Array ? 32768 : 0;
  for (let v = 0, n = 0, row = at; v < plane.rows; v++, row += dv) {
    for (let u = 0, p = row; u < plane.columns; u++, p += du) out[n++] = table[data[p] + offset];
  }
}

function paintFloat(plane, s, look, out) {
  const level = levelsOf(look);
  const { at, du, dv } = plane.walk(s);
  const data = plane.grid.data;
  for (let v = 0, n = 0, row = at; v < plane.rows; v++, row += dv) {
    for (let u = 0, p = row; u < plane.columns; u++, p += du) {
      out[n++] = greyPixel(level(data[p]), look.inverted);
    }
  }
}

function paintColour(plane, s, out) {
  const { at, du, dv } = plane.walk(s);
  const data = plane.grid.data;
  for (let v = 0, n = 0, row = at; v < plane.rows; v++, row += dv) {
    for (let u = 0, p = row; u < plane.columns; u++, p += du) {
      out[n++] = (0xff000000 | (data[3 * p + 2] << 16) | (data[3 * p + 1] << 8) | data[3 * p]) >>> 0;
    }
  }
}

// Slab over `slab.half` slices on either side: "max", "min" or "mean" of the values, then the window.
function paintSlab(plane, s, slab, look, out) {
  const first = Math.max(0, s - slab.half), last = Math.min(plane.slices - 1, s + slab.half);
  const step = plane.grid.strides[plane.sliceAxis];
  const { at, du, dv } = plane.walk(first);
  const data = plane.grid.data;
  const count = last - first + 1;
  const level = levelsOf(look);
  for (let v = 0, n = 0, row = at; v < plane.rows; v++, row += dv) {
    for (let u = 0, p = row; u < plane.columns; u++, p += du) {
      let x = data[p];
      if (slab.mode === "max") for (let t = 1; t < count; t++) x = Math.max(x, data[p + t * step]);
      else if (slab.mode === "min") for (let t = 1; t < count; t++) x = Math.min(x, data[p + t * step]);
      else {
        for (let t = 1; t < count; t++) x += data[p + t * step];
        x /= count;
      }
      out[n++] = greyPixel(level(x), look.inverted);
    }
  }
}
