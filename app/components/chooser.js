// All series of the study and of its priors -> a strip of thumbnails; one click shows a series in the active viewport.
// Refused series stand in it too, with their reason.

const VERDICTS = { ok: "", warned: "warnings", refused: "refused" };

class Chooser {
  constructor(viewer, host) {
    this.viewer = viewer;
    this.host = host;
    host.setAttribute("role", "list");
    host.setAttribute("aria-label", "Series");
    this.entries = new Map();
    this.series = [];
  }

  // Built anew when the list changed; one series alone needs no list.
  fill(series) {
    const key = JSON.stringify(series);
    if (key === this.key) return;
    this.key = key;
    this.series = series;
    this.entries.clear();
    this.host.replaceChildren();
    this.host.hidden = series.filter((one) => !one.reformatted).length < 2;
    let group = null;
    for (const one of series) {
      if (one.group !== group) element("div", "group-name", this.host, one.group);
      group = one.group;
      this.entries.set(one.key, this.entry(one));
    }
  }

  entry(one) {
    const item = element("div", "series-item", this.host);
    item.setAttribute("role", "listitem");
    const made = element("button", `series ${one.verdict}`, item);
    made.type = "button";
    made.dataset.series = one.key;
    made.title = [one.title, one.detail, ...one.warnings, one.reason].filter(Boolean).join("\n");
    if (one.thumb) this.thumbnail(made, one);
    element("span", "series-title", made, one.title);
    if (one.detail) element("span", "series-detail", made, one.detail);
    if (VERDICTS[one.verdict]) element("span", `badge ${one.verdict}`, made, VERDICTS[one.verdict]);
    if (one.subject) element("span", "badge subject", made, "being read");
    if (one.reason) element("span", "series-reason", made, one.reason);
    if (one.readable) made.addEventListener("click", () => this.viewer.showSeries(one.key));
    else made.setAttribute("aria-disabled", "true");
    if (one.opens) this.opener(item, one);
    return made;
  }

  thumbnail(host, one) {
    const picture = element("img", "thumb", host);
    picture.alt = "";
    picture.loading = "lazy";
    picture.src = one.thumb;
  }

  // Another series of this study can become the one that is read: its opinion and its form come with it.
  opener(item, one) {
    const made = element("button", "read-it", item, "Read this one");
    made.type = "button";
    made.title = "Open this series for reading, with its own opinion and form";
    made.addEventListener("click", () => this.viewer.send("open", one.key));
  }

  refresh() {
    const shown = new Set(this.viewer.ports.map((port) => port.scan?.key));
    const active = this.viewer.active?.scan?.key;
    for (const [key, button] of this.entries) {
      button.classList.toggle("shown", shown.has(key));
      if (key === active) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    if (this.active !== active) this.entries.get(active)?.scrollIntoView({ block: "nearest" });
    this.active = active;
  }

  // The readable series before or after one, within the same study.
  beside(key, step) {
    const own = this.series.find((one) => one.key === key);
    const all = this.series.filter((one) => one.readable && !one.reformatted && one.group === own?.group);
    return all[all.indexOf(own) + step]?.key;
  }

  // The series of a prior that is most like the given one: same modality, then the same kind of series.
  priorOf(key) {
    const own = this.series.find((one) => one.key === key);
    const priors = this.series.filter((one) => one.readable && one.prior && one.modality === own?.modality);
    return (priors.find((one) => one.title === own.title) || priors[0])?.key;
  }

  // The open series laid onto the patient's axes, where it lies off them.
  get reformatted() {
    return this.series.find((one) => one.reformatted)?.key;
  }

  hasPrior() {
    return this.series.some((one) => one.prior && one.readable);
  }

  toggle() {
    if (this.series.length > 1) this.host.hidden = !this.host.hidden;
  }
}
