// An address -> a volume in memory, the middle slices first. Knows ranges; knows no canvas.

const FIRST_SHARE = 0.06; // share of slices that comes first, about the middle one
const FIRST_BYTES = 2 ** 20; // and no more than so many where slices are large, but for three
const UNSEEN_MS = 100; // a page that is not looked at draws no frames

async function askFor(url, start, end, signal) {
  const answer = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` }, signal });
  if (answer.status !== 206 && !(answer.status === 200 && start === 0)) throw new Error(`answer ${answer.status}`);
  return answer;
}

function keep(grid, value, at, end) {
  grid.bytes.set(value.length > end - at ? value.subarray(0, end - at) : value, at);
  grid.arrived += Math.min(value.length, end - at);
  return at + value.length;
}

// Slices that are few: in one piece.
async function fetchAtOnce(grid, url, firstSlice, lastSlice, signal) {
  const start = firstSlice * grid.sliceBytes, end = (lastSlice + 1) * grid.sliceBytes;
  const answer = await askFor(url, start, end, signal);
  if (keep(grid, new Uint8Array(await answer.arrayBuffer()), start, end) < end) throw new Error("the answer ended early");
}

async function fetchInto(grid, url, firstSlice, lastSlice, signal, onArrival) {
  const start = firstSlice * grid.sliceBytes, end = (lastSlice + 1) * grid.sliceBytes;
  if (end <= start) return;
  const reader = (await askFor(url, start, end, signal)).body.getReader();
  let at = start;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    at = keep(grid, value, at, end);
    onArrival(false);
  }
  if (at < end) throw new Error("the answer ended early");
  onArrival(true);
}

// Until what was asked to be drawn is on the screen.
function drawn() {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const unseen = new Promise((done) => setTimeout(done, UNSEEN_MS));
  return Promise.race([frame().then(frame), unseen]);
}

async function fetchGrid(grid, url, signal, onArrival) {
  const slices = grid.shape[2];
  const most = Math.min(slices * FIRST_SHARE, FIRST_BYTES / grid.sliceBytes);
  const half = Math.max(1, Math.round(most / 2));
  const middle = Math.floor(slices / 2);
  const from = Math.max(0, middle - half), to = Math.min(slices - 1, middle + half);
  await fetchAtOnce(grid, url, from, to, signal);
  onArrival(true);
  await drawn(); // the rest comes once the first picture is there, and does not hold it up
  await Promise.all([
    fetchInto(grid, url, to + 1, slices - 1, signal, onArrival),
    fetchInto(grid, url, 0, from - 1, signal, onArrival),
  ]);
}

async function fetchHeat(spec, signal) {
  const answer = await fetch(spec.url, { signal });
  if (!answer.ok) throw new Error(`answer ${answer.status}`);
  const data = new Float32Array(await answer.arrayBuffer());
  return { ...spec, data, inverse: invertAffine(spec.affine), seenInverse: invertAffine(spec.seenAffine) };
}
