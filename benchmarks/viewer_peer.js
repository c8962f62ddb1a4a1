// NiiVue in the same page, for benchmarks/viewer.py: the same study, the same heatmap, three planes.

export default async function (component) {
  const { data, parentElement } = component;
  if (parentElement.querySelector(".peer")) return;
  const box = document.createElement("div");
  box.className = "peer";
  box.style.height = "760px";
  box.dataset.ready = "no";
  const canvas = document.createElement("canvas");
  box.append(canvas);
  parentElement.append(box);
  const { Niivue } = await import(`${location.origin}/peer/index.js`);
  const viewer = new Niivue({ logLevel: "error", isResizeCanvas: true, multiplanarShowRender: 0 });
  await viewer.attachToCanvas(canvas);
  viewer.setSliceType(viewer.sliceTypeMultiplanar);
  await viewer.loadVolumes([
    { url: data.volume, name: "volume.nii", cal_min: -160, cal_max: 240 },
    { url: data.heat, name: "heat.nii", colormap: "warm", opacity: 0.5, cal_min: 0.3, cal_max: 1 },
  ]);
  finish(viewer);
  box.peer = viewer;
  box.finish = () => finish(viewer);
  box.dataset.ready = "all";
}

// Wait until the last drawing is in the picture: WebGL only queues it.
function finish(viewer) {
  viewer.gl.readPixels(0, 0, 1, 1, viewer.gl.RGBA, viewer.gl.UNSIGNED_BYTE, new Uint8Array(4));
}
