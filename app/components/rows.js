// Rows of pixels through a heatmap, one after the other: what stays the same from row to row is worked out once. The sums
// and their order are those of `sampleRow`, so that not a bit differs. Knows no page.

const SLACK = 1e-6; // that rounding may add to a bound

class HeatRows {
  constructor(heat, right, columns) {
    Object.assign(this, { heat, right, columns });
    this.level = right[2] === 0; // a whole row lies at one place along the map's third axis
    this.places = makePlaces(columns);
    this.known = [null, null, null];
    this.stamp = 0;
    this.inner = new Map();
    this.layers = []; // at cells of the third axis
  }

  // Sample the row that begins at `from`, in native cells, where `span` reaches; gives a bound that no value exceeds.
  sample(from, span, out, row) {
    this.stand(from);
    if (!this.level) {
      sampleRow(this.heat, this.places, span[0], span[1], out, row);
      return Infinity;
    }
    const k = this.places[2].cell[0], c = this.places[2].share[0];
    const near = this.layer(k), far = c === 0 ? near : this.layer(k + 1);
    const p = near.values, q = far.values;
    if (c === 0) for (let u = span[0]; u <= span[1]; u++) out[row + u] = p[u];
    else for (let u = span[0]; u <= span[1]; u++) out[row + u] = p[u] * (1 - c) + q[u] * c;
    const peak = Math.max(near.peak, far.peak);
    return peak + Math.abs(peak) * SLACK;
  }

  stand(from) {
    for (let axis = 0; axis < 3; axis++) {
      if (this.known[axis] === from[axis]) continue; // as in the row before
      const count = this.level && this.right[axis] === 0 ? 1 : this.columns;
      placesAlong(this.heat.shape[axis], from[axis], this.right[axis], count, this.places[axis]);
      this.known[axis] = from[axis];
      if (axis === 0) this.inner.clear();
      if (axis < 2) this.stamp += 1;
    }
  }

  // The row at one cell of the third axis.
  layer(k) {
    const layer = (this.layers[k] ||= { stamp: -1, values: new Float64Array(this.columns), peak: 0 });
    if (layer.stamp !== this.stamp) {
      if (this.right[1] === 0) this.straight(layer, k);
      else this.across(layer, k);
      layer.stamp = this.stamp;
    }
    return layer;
  }

  // A row that runs along the map's first axis: between two rows that are kept.
  straight(layer, k) {
    const j = this.places[1].cell[0], b = this.places[1].share[0], out = layer.values;
    const near = this.along(j, k), far = this.along(this.heat.shape[1] > 1 ? j + 1 : j, k);
    const p = near.values, q = far.values;
    for (let u = 0; u < this.columns; u++) out[u] = p[u] * (1 - b) + q[u] * b;
    layer.peak = Math.max(near.peak, far.peak);
  }

  // A row that runs along the second axis as well.
  across(layer, k) {
    const d = this.heat.data, ni = this.heat.shape[0], base = k * ni * this.heat.shape[1], out = layer.values;
    const di = ni > 1 ? 1 : 0, dj = this.heat.shape[1] > 1 ? ni : 0, still = this.right[0] === 0;
    const [{ cell: i, share: x }, { cell: j, share: y }] = this.places;
    layer.peak = -Infinity;
    for (let u = 0; u < this.columns; u++) {
      const n = still ? 0 : u, at = i[n] + j[u] * ni + base, a = x[n], b = y[u];
      out[u] = (d[at] * (1 - a) + d[at + di] * a) * (1 - b) + (d[at + dj] * (1 - a) + d[at + di + dj] * a) * b;
      if (out[u] > layer.peak) layer.peak = out[u];
    }
  }

  // Between cells of the first axis, at one cell of the two others.
  along(j, k) {
    const base = (j + k * this.heat.shape[1]) * this.heat.shape[0];
    let kept = this.inner.get(base);
    if (kept) return kept;
    kept = { values: new Float64Array(this.columns), peak: -Infinity };
    const d = this.heat.data, di = this.heat.shape[0] > 1 ? 1 : 0, still = this.right[0] === 0;
    const { cell, share } = this.places[0];
    for (let u = 0; u < this.columns; u++) {
      const n = still ? 0 : u, at = cell[n] + base;
      const value = d[at] * (1 - share[n]) + d[at + di] * share[n];
      kept.values[u] = value;
      if (value > kept.peak) kept.peak = value;
    }
    this.inner.set(base, kept);
    return kept;
  }
}
