// Scans side by side -> one crosshair for all: by patient position where the frame of reference is shared, else by an
// offset that the reader sets. Windows go along. Knows no page.

class Links {
  constructor(viewer) {
    this.viewer = viewer;
    this.on = true;
    this.offsets = new Map(); // key of a scan -> mm from the first scan, as the reader aligned them
  }

  // mm to add when going from one scan to another, or null where nothing ties them.
  between(from, to) {
    if (from.spec.frame && from.spec.frame === to.spec.frame) return [0, 0, 0];
    const a = this.offsets.get(from.key), b = this.offsets.get(to.key);
    return a && b ? b.map((x, n) => x - a[n]) : null;
  }

  follow(mover) {
    if (!this.on) return;
    const mm = mover.toMm();
    for (const other of this.viewer.shownScans()) {
      const shift = other !== mover && this.between(mover, other);
      if (shift) other.goToMm(mm.map((x, n) => x + shift[n]));
    }
  }

  followWindow(mover) {
    if (!this.on || mover.colour) return;
    const { center, width, inverted, function: kind } = mover.look;
    if (kind === "lut") return;
    for (const other of this.viewer.shownScans()) {
      const alike = other.spec.volume.unit === "HU" && mover.spec.volume.unit === "HU";
      if (other !== mover && alike && this.between(mover, other)) {
        other.look = { ...other.look, center, width, inverted, function: kind };
      }
    }
  }

  whole() {
    const [first, ...others] = this.viewer.shownScans();
    return others.every((other) => this.between(first, other));
  }

  // Not all tied: ties them where they stand now. All tied: lets go.
  toggle() {
    if (this.on && this.whole()) {
      this.on = false;
      return;
    }
    this.on = true;
    this.offsets.clear();
    const [first, ...others] = this.viewer.shownScans().filter((scan) => scan.spec.volume.spacingKnown);
    if (!first) return;
    const from = first.toMm();
    this.offsets.set(first.key, [0, 0, 0]);
    for (const other of others) {
      const shared = first.spec.frame && first.spec.frame === other.spec.frame;
      this.offsets.set(other.key, shared ? [0, 0, 0] : other.toMm().map((x, n) => x - from[n]));
    }
  }

  // How a scan hangs together with the active one, for the corner of its viewport.
  words(scan) {
    const active = this.viewer.active.scan;
    if (!active || this.viewer.shownScans().length < 2) return "";
    if (scan === active) return this.on ? "" : "Not linked (U)";
    const shift = this.on && this.between(active, scan);
    if (!shift) return "Not linked (U)";
    if (scan.beyond) return "Linked: this place lies outside this scan";
    const far = norm(shift);
    return far ? `Linked with an offset of ${far.toFixed(1)} mm` : "Linked by patient position";
  }
}
