// How a reader arranged the viewports -> this browser tab's own memory, so that a reload of the page comes back to it.
// Nothing of it is sent or stands in the address; it goes with the tab.

const ARRANGED = "medres.arranged";

function keepArranged(viewer) {
  if (viewer.recalling) return;
  const ports = viewer.ports.map((port) => ({ series: port.scan?.key ?? "", plane: port.name }));
  const told = JSON.stringify({ study: viewer.scene.study, layout: viewer.layout.name, ports });
  try {
    sessionStorage.setItem(ARRANGED, told);
  } catch {
    // a browser that keeps nothing begins anew
  }
}

function arrangedFor(study) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(ARRANGED) || "null");
    return kept && kept.study === study && LAYOUTS[kept.layout] ? kept : null;
  } catch {
    return null;
  }
}

// Layout and planes at once; series that must be read again come one after the other.
function recallArranged(viewer) {
  const kept = arrangedFor(viewer.scene.study);
  if (!kept) return;
  const planes = viewer.first.spec.planes.map((plane) => plane.name);
  viewer.layout.arrange(kept.layout, viewer.first);
  const known = (viewer.scene.series || []).filter((one) => one.readable).map((one) => one.key);
  const others = [];
  kept.ports.slice(0, viewer.ports.length).forEach(({ series, plane }, n) => {
    if (series === viewer.first.key && planes.includes(plane)) viewer.ports[n].show(viewer.first, plane);
    else if (known.includes(series)) others.push({ key: series, plane, port: viewer.ports[n] });
  });
  viewer.recalling = kept.layout === "planes" ? others.slice(0, 1) : others;
}

// Ask for the next series of an arrangement that is being brought back.
function recallNext(viewer) {
  const next = viewer.recalling?.shift();
  if (!next) {
    viewer.recalling = null;
    return;
  }
  if (viewer.layout.name !== "planes") {
    next.port.empty("The series is being read ...");
    next.port.name = next.plane;
  }
  viewer.showSeries(next.key, viewer.layout.name === "planes" ? viewer.ports : [next.port]);
}
