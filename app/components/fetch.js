// An address -> a volume in memory, the middle slices first. Knows ranges; knows no canvas.

const FIRST_SHARE = 0.06; // share of slices that comes first, about the middle one

async function fetchInto(grid, url, firstSlice, lastSlice, signal, onArrival) {
  const start = firstSlice * grid.sliceBytes, end = (lastSlice + 1) * grid.sliceBytes;
  if (end <= start) return;
  const answer = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` }, signal });
  if (answer.status !== 206 && !(answer.status === 200 && start === 0)) throw new Error(`answer ${answer.status}`);
  const reader = answer.body.getReader();
  let at = start;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    grid.bytes.set(value.subarray(0, end - at), at);
    at += value.length;
    grid.arrived += value.length;
    onArrival(false);
  }
  if (at < end) throw new Error("the answer ended early");
  onArrival(true);
}

async function fetchGrid(grid, url, signal, onArrival) {
  const slices = grid.shape[2];
  const half = Math.max(1, Math.round((slices * FIRST_SHARE) / 2));
  const middle = Math.floor(slices / 2);
  const from = Math.max(0, middle - half), to = Math.min(slices - 1, middle + half);
  await fetchInto(grid, url, from, to, signal, onArrival);
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
