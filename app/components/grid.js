// Bytes of a volume -> values at indices; planes of its grid; points in mm.
// Knows no canvas and no mouse. Indices are (i, j, k), i fastest in memory; affines are 4 x 4, row by row, to RAS+ mm.

const KINDS = { int16: Int16Array, uint8: Uint8Array, float32: Float32Array, rgb: Uint8Array };

function applyAffine(m, p) {
  return [0, 1, 2].map((r) => m[4 * r] * p[0] + m[4 * r + 1] * p[1] + m[4 * r + 2] * p[2] + m[4 * r + 3]);
}

function applyLinear(m, p) {
  return [0, 1, 2].map((r) => m[4 * r] * p[0] + m[4 * r + 1] * p[1] + m[4 * r + 2] * p[2]);
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function norm(a) {
  return Math.sqrt(dot(a, a));
}

function invertAffine(m) {
  const [a, b, c, , d, e, f, , g, h, i] = m;
  const A = e * i - f * h, B = c * h - b * i, C = b * f - c * e;
  const D = f * g - d * i, E = a * i - c * g, F = c * d - a * f;
  const G = d * h - e * g, H = b * g - a * h, I = a * e - b * d;
  const det = a * A + b * D + c * G;
  const l = [A, B, C, D, E, F, G, H, I].map((x) => x / det);
  const t = [m[3], m[7], m[11]];
  const back = [0, 1, 2].map((r) => -(l[3 * r] * t[0] + l[3 * r + 1] * t[1] + l[3 * r + 2] * t[2]));
  return [l[0], l[1], l[2], back[0], l[3], l[4], l[5], back[1], l[6], l[7], l[8], back[2], 0, 0, 0, 1];
}

// One volume in the browser's memory, filled slice by slice (k) as bytes arrive.
class Grid {
  constructor(spec) {
    this.spec = spec;
    this.shape = spec.shape;
    this.affine = spec.affine;
    this.inverse = invertAffine(spec.affine);
    this.samples = spec.kind === "rgb" ? 3 : 1;
    this.strides = [1, spec.shape[0], spec.shape[0] * spec.shape[1]];
    this.voxelCount = spec.shape[0] * spec.shape[1] * spec.shape[2];
    this.data = new KINDS[spec.kind](this.voxelCount * this.samples);
    this.bytes = new Uint8Array(this.data.buffer);
    this.sliceBytes = this.strides[2] * this.samples * this.data.BYTES_PER_ELEMENT;
    this.arrived = 0;
  }

  inside(p) {
    return p.every((x, axis) => x >= 0 && x < this.shape[axis]);
  }

  valueAt(p) {
    if (!this.inside(p)) return null;
    const at = p[0] + p[1] * this.strides[1] + p[2] * this.strides[2];
    return this.samples === 3 ? Array.from(this.data.subarray(3 * at, 3 * at + 3)) : this.data[at];
  }

  toMm(p) {
    return applyAffine(this.affine, p);
  }

  fromMm(p) {
    return applyAffine(this.inverse, p);
  }
}

// A plane of the grid: column u runs to the right of the screen, row v runs down. Pixel (u, v) is one voxel.
class Plane {
  constructor(spec, grid) {
    this.spec = spec;
    this.grid = grid;
    [this.columnAxis, this.rowAxis, this.sliceAxis] = spec.axes;
    this.columns = grid.shape[this.columnAxis];
    this.rows = grid.shape[this.rowAxis];
    this.slices = grid.shape[this.sliceAxis];
    const columnMm = this.stepMm(this.columnAxis, spec.flips[0]);
    const rowMm = this.stepMm(this.rowAxis, spec.flips[1]);
    this.columnMm = norm(columnMm);
    // A tilted gantry shears rows against columns: drawn as it is, not straightened.
    this.shearMm = dot(rowMm, columnMm) / this.columnMm;
    if (Math.abs(this.shearMm) < 1e-6 * norm(rowMm)) this.shearMm = 0;
    this.rowMm = Math.sqrt(Math.max(1e-12, dot(rowMm, rowMm) - this.shearMm * this.shearMm));
    this.sliceMm = norm(this.stepMm(this.sliceAxis, false));
  }

  stepMm(axis, flip) {
    const unit = [0, 0, 0];
    unit[axis] = flip ? -1 : 1;
    return applyLinear(this.grid.affine, unit);
  }

  // Pixel (u, v) of slice index s -> voxel (i, j, k); fractions pass through.
  voxel(u, v, s) {
    const p = [0, 0, 0];
    p[this.columnAxis] = this.spec.flips[0] ? this.columns - 1 - u : u;
    p[this.rowAxis] = this.spec.flips[1] ? this.rows - 1 - v : v;
    p[this.sliceAxis] = s;
    return p;
  }

  pixel(p) {
    const u = p[this.columnAxis], v = p[this.rowAxis];
    return [this.spec.flips[0] ? this.columns - 1 - u : u, this.spec.flips[1] ? this.rows - 1 - v : v];
  }

  // Index of the first pixel and what one column and one row add to it, in voxels of memory.
  walk(s) {
    const first = this.voxel(0, 0, s);
    const strides = this.grid.strides;
    const at = first[0] * strides[0] + first[1] * strides[1] + first[2] * strides[2];
    const du = strides[this.columnAxis] * (this.spec.flips[0] ? -1 : 1);
    const dv = strides[this.rowAxis] * (this.spec.flips[1] ? -1 : 1);
    return { at, du, dv };
  }
}
