// Keys -> what the viewer does. Knows no mouse.

// Key, how the help overlay names it, what it does there; rows without a key stand for several.
const KEYS = [
  ["ArrowUp", "↑ ↓", "one slice up or down", (v) => v.step(v.active, -1)],
  ["ArrowDown", "", "", (v) => v.step(v.active, 1)],
  ["Home", "Home, End", "first or last slice", (v) => v.jump(v.active, -Infinity)],
  ["End", "", "", (v) => v.jump(v.active, Infinity)],
  ["PageUp", "PgUp, PgDn", "series before or after, in this viewport", (v) => v.turnSeries(-1)],
  ["PageDown", "", "", (v) => v.turnSeries(1)],
  ["", "Shift + PgUp, PgDn", "study before or after this one in the worklist"],
  ["ArrowLeft", "← →", "viewport before or after", (v) => v.activateBeside(-1)],
  ["ArrowRight", "", "", (v) => v.activateBeside(1)],
  ["", "Shift + 1 – 4", "viewport by its number"],
  ["", "Tab", "next viewport or button"],
  ["y", "Y", "layout: three planes, 1 × 1, 1 × 2, 2 × 2", (v) => v.cycleLayout()],
  ["o", "O", "next plane in this viewport", (v) => v.cyclePlane()],
  ["q", "Q", "reformatted to the patient's axes, and back (oblique or tilted scans)", (v) => v.toggleAxes()],
  ["t", "T", "list of series, shown or hidden", (v) => v.toggleSeries()],
  ["b", "B", "compare with the prior, side by side", (v) => v.compare()],
  ["u", "U", "link or unlink scrolling and windows", (v) => v.toggleLinks()],
  ["", "1 – 8", "CT presets: brain, subdural, stroke, lung, mediastinum, abdomen, liver, bone"],
  ["", "Shift + arrows", "window wider, narrower, brighter, darker"],
  ["i", "I", "invert", (v) => v.invert()],
  [" ", "Space", "reset window, zoom and position", (v) => v.reset()],
  ["h", "H", "heatmap on or off", (v) => v.toggleHeat()],
  ["f", "F", "heatmap as contour or fill", (v) => v.cycleHeat()],
  ["n", "N", "heatmap's native cells", (v) => v.toggleCells()],
  ["x", "X", "crosshair on or off", (v) => v.toggleCross()],
  ["v", "V", "enlarge this viewport, and back", (v) => v.enlarge(v.active)],
  ["+", "+ −", "zoom in or out", (v) => v.zoomBy(1.2)],
  ["=", "", "", (v) => v.zoomBy(1.2)],
  ["-", "", "", (v) => v.zoomBy(1 / 1.2)],
  ["p", "P or C", "cine: play or stop", (v) => v.toggleCine()],
  ["c", "", "", (v) => v.toggleCine()],
  ["s", "S", "slab: off, MIP, MinIP, mean", (v) => v.cycleSlab()],
  ["w", "W", "left drag windows", (v) => v.useTool("window")],
  ["z", "Z", "left drag zooms", (v) => v.useTool("zoom")],
  ["g", "G", "left drag pans", (v) => v.useTool("pan")],
  ["l", "L", "measure a length", (v) => v.useTool("length")],
  ["a", "A", "measure an angle: three clicks", (v) => v.useTool("angle")],
  ["e", "E", "ellipse: mean, SD, area", (v) => v.useTool("ellipse")],
  ["m", "M", "mark the place under the crosshair, for your reading", (v) => v.markHere()],
  ["r", "R", "draw an ellipse about a finding, for your reading", (v) => v.useTool("region")],
  ["k", "K", "keep this slice as a key image", (v) => v.keepImage()],
  ["d", "D", "to the form of your decision: arrows choose, Tab goes on, Esc comes back to the scan", (v) => v.toForm()],
  ["", "Ctrl + S", "record the reading in the form"],
  ["", "Ctrl + →", "on to the next study; in the worklist, open the first unread one"],
  ["Delete", "Delete", "remove the last measurement", (v) => v.removeMeasure()],
  ["Backspace", "", "", (v) => v.removeMeasure()],
  ["?", "?", "this help", (v) => v.toggleHelp()],
  ["Escape", "Esc", "close the help, put a tool down", (v) => v.escape()],
];

const MOUSE_HELP = [
  ["Left drag", "window: right wider, up darker (or the tool in use)"],
  ["Left click", "crosshair here in every plane"],
  ["Wheel", "slices"],
  ["Middle drag", "pan"],
  ["Right drag", "zoom"],
  ["Ctrl + wheel", "zoom"],
  ["Double click", "enlarge this viewport, and back"],
];

function onKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
  event.stopPropagation(); // the page's own shortcuts stay out of a reader's way
  if (isForControl(event.composedPath()[0], event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const acted = shifted(viewer, event) || presetKey(viewer, key) || tableKey(viewer, key);
  if (acted) event.preventDefault();
}

// Letters pressed beside the scan, such as after a click into the form, reach it too; where text is typed they stay.
// Where nothing has the focus, as after a form was sent, every key is the scan's.
function onPageKey(viewer, event) {
  const path = event.composedPath();
  if (!viewer.box.isConnected || path.includes(viewer.box)) return;
  const idle = path[0] === document.body;
  if (event.key === "Escape" && viewer.inForm(path[0])) return viewer.active.box.focus({ preventScroll: true });
  if (!idle && !/^[a-z?]$/i.test(event.key)) return;
  if (!path[0].matches?.("input:not([type=radio]), textarea, select, [contenteditable]")) onKey(viewer, event);
}

// Lists and sliders keep their own keys; a button keeps those that press it.
function isForControl(target, key) {
  if (target.matches?.("input, select")) return !["?", "Escape"].includes(key);
  return Boolean(target.matches?.("button")) && [" ", "Enter"].includes(key);
}

// Shift with an arrow, a digit or a page key; digits by their place on the keyboard, whatever its language.
function shifted(viewer, event) {
  if (!event.shiftKey) return false;
  const move = { ArrowUp: [0, -10], ArrowDown: [0, 10], ArrowLeft: [-10, 0], ArrowRight: [10, 0] }[event.key];
  const digit = /^Digit([1-4])$/.exec(event.code || "");
  const turn = { PageUp: -1, PageDown: 1 }[event.key];
  if (move) viewer.dragWindow(...move);
  else if (digit) viewer.activateNumber(Number(digit[1]));
  else if (turn) viewer.send("turn", turn);
  return Boolean(move || digit || turn);
}

function presetKey(viewer, key) {
  if (!/^[1-9]$/.test(key)) return false;
  viewer.usePreset(Number(key) - 1);
  return true;
}

function tableKey(viewer, key) {
  const found = KEYS.find((entry) => entry[0] === key);
  if (found) found[3](viewer);
  return Boolean(found);
}
