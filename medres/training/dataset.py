"""Manifest rows -> prepared scans, through the one preprocessing path; prepared scans -> a torch dataset.

Knows files, volumes and the cache; knows neither network nor loss. A cache entry is keyed by what the files hold, what
the spec says and which version of medres prepared it. Of a scan seen in patches the grid is kept, and patches are cut
from it when they are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

import medres
from medres.datasets.cache import TensorCache
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import DatasetError, MedresError
from medres.io.reading import read
from medres.models.scope import describe_scan
from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PreprocessingSpec
from medres.preprocessing.views import find_views
from medres.training.instances import Supervision
from medres.training.lesions import Frames, Lesion, find_lesions
from medres.training.prepared import GRID, VIEWS, Cut, PreparedScan
from medres.training.spec import LabelSpec
from medres.volume import Volume

Progress = Callable[[int, int], None]
MEMORY_LIMIT_BYTES = 3 << 30  # beyond this, scans stay on the disk when there is a cache


class ScanDataset(Dataset[tuple[Tensor, int, int]]):
    """Prepared scans by (scan, view) or by cut -> (tensor (C, *spatial), label, scan).

    Args:
        scans: in any order; their place here is what samplers name.
    """

    def __init__(self, scans: Sequence[PreparedScan]) -> None:
        self.scans = tuple(scans)

    def __len__(self) -> int:
        return sum(scan.views for scan in self.scans)

    def __getitem__(self, place: tuple[int, int] | Cut) -> tuple[Tensor, int, int]:
        """Give one view of one scan with the scan's label, or a patch cut anywhere with its own."""
        if isinstance(place, Cut):
            return self.scans[place.scan].cut(place.start), place.label, place.scan
        scan, view = place
        return self.scans[scan].view(view), self.scans[scan].label, scan


def prepare_volumes(volumes: Volume | Mapping[str, Volume], spec: PreprocessingSpec) -> ModelInput:
    """Pass volumes through the one preprocessing path, for the golden phantom.

    Args:
        volumes: one Volume, or Volumes by channel.
        spec: what the network is shown.

    Returns:
        The network's input.
    """
    return preprocess(volumes, spec)


def prepare_scans(
    manifest: Manifest,
    rows: Sequence[ManifestRow],
    spec: PreprocessingSpec,
    labels: LabelSpec,
    *,
    cache: Path | None = None,
    on_progress: Progress | None = None,
    supervision: Supervision = "scan",
) -> tuple[PreparedScan, ...]:
    """Read and prepare rows, in order; rows of ignored labels are left out.

    Args:
        manifest: that the rows belong to.
        rows: to prepare.
        spec: what the network is shown.
        labels: which labels become which.
        cache: folder for prepared tensors; None prepares each time.
        on_progress: called with (done, all).
        supervision: "points" or "masks" finds the lesions of each scan too; "scan" looks at no such file.

    Returns:
        Prepared scans.

    Raises:
        DatasetError: `E_MANIFEST_LABEL` for labels that no group names; `E_POINTS`, `E_MASK`, `E_LESION_NONE` with
            "points" or "masks".
        MedresError: what reading or preparing refuses, with the row's number before it.
    """
    wanted = _wanted_rows(rows, labels)
    store = None if cache is None else TensorCache(cache)
    found, held = [], 0
    for done, row in enumerate(wanted, start=1):
        scan = _prepare_row(manifest, row, spec, labels, store, supervision)
        held += scan.source.nbytes if isinstance(scan.source, Tensor) else 0
        if store is not None and held > MEMORY_LIMIT_BYTES:
            place = store.path(_cache_key(manifest, row, spec))
            scan = replace(scan, source=place) if place.is_file() else scan  # it may have found no room
        found.append(scan)
        if on_progress is not None:
            on_progress(done, len(wanted))
    return tuple(found)


def _wanted_rows(rows: Sequence[ManifestRow], labels: LabelSpec) -> list[ManifestRow]:
    """Leave ignored labels out; refuse unknown ones."""
    strange = sorted({row.label for row in rows} - set(labels.known))
    if strange:
        count = sum(row.label in strange for row in rows)
        told = (
            f"labels must be among {', '.join(labels.known)}, got {', '.join(map(repr, strange[:5]))} in {count} row(s)"
        )
        raise DatasetError("E_MANIFEST_LABEL", told, "name them in [labels.groups] or in labels.ignore")
    return [row for row in rows if labels.index_of(row.label) is not None]


def _prepare_row(
    manifest: Manifest,
    row: ManifestRow,
    spec: PreprocessingSpec,
    labels: LabelSpec,
    cache: TensorCache | None,
    supervision: Supervision,
) -> PreparedScan:
    """Take a row from the cache, or read and prepare it."""
    key = "" if cache is None else _cache_key(manifest, row, spec)
    kept = None if cache is None else _read_cached(cache, key, spec)
    label = labels.index_of(row.label)
    assert label is not None  # `_wanted_rows` left the others out
    try:
        tensor, notes = kept or _read_row(manifest, row, spec)
        lesions: tuple[Lesion, ...] = ()
        if supervision != "scan":
            must = labels.names[label] == labels.positive
            lesions = find_lesions(manifest, row, supervision, Frames.from_notes(notes), must=must)
    except MedresError as error:
        raise type(error)(error.code, f"row {row.number}: {error.what}", error.cure) from None
    if cache is not None and kept is None:
        cache.put(key, {_array_name(spec): tensor.numpy()}, notes)
    views = find_views(spec.views, tuple(tensor.shape[1:])) if spec.views.kind == "patches" else ()  # type: ignore[arg-type]
    about = (row.number, row.key, row.patient_id, label)
    return PreparedScan(
        *about, tensor, notes["content_digest"], notes["facts"], len(views or tensor), boxes=views, lesions=lesions
    )


def _array_name(spec: PreprocessingSpec) -> str:
    """Name what is kept of a scan: the grid that patches are cut from, or the views themselves."""
    return GRID if spec.views.kind == "patches" else VIEWS


def _read_row(manifest: Manifest, row: ManifestRow, spec: PreprocessingSpec) -> tuple[Tensor, dict[str, Any]]:
    """Read a row's volumes and prepare them; for patches the grid that they are cut from."""
    volumes = {name: read_volume(manifest, row, channel) for name, channel in _channels(row, spec)}
    shown = preprocess(volumes, spec)
    digests = [volumes[name].origin.content_digest for name in spec.channels]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    reference = volumes[spec.channels[0]]
    notes = {"content_digest": digest, "facts": dict(describe_scan(reference, shown))}
    if shown.grid is None:
        return shown.batch, notes
    return torch.from_numpy(shown.grid), notes | Frames.of(reference, shown).to_notes()


def _channels(row: ManifestRow, spec: PreprocessingSpec) -> Iterator[tuple[str, str]]:
    """Pair the spec's channels with the row's; one path serves one channel, whatever their names."""
    if len(spec.channels) == 1 and len(row.paths) == 1:
        yield spec.channels[0], next(iter(row.paths))
        return
    for name in spec.channels:
        if name in row.paths:
            yield name, name


def read_volume(manifest: Manifest, row: ManifestRow, channel: str | None = None) -> Volume:
    """Read one scan of a row as the manifest describes it.

    Args:
        manifest: that the row belongs to.
        row: names path, modality, series and whether the spacing is true.
        channel: None takes the first.

    Returns:
        The Volume; without mm where the manifest says that its spacing is not known.
    """
    series = row.series_of(channel or next(iter(row.paths))) or None
    volume = read(manifest.path(row, channel), series=series, modality=row.modality or None)
    if row.spacing_known or not volume.spacing_known:
        return volume
    return replace(volume, spacing_known=False).with_codes("W_SPACING_UNKNOWN")


def _cache_key(manifest: Manifest, row: ManifestRow, spec: PreprocessingSpec) -> str:
    """Name the cache's entry for a row: by content, spec, version and what the manifest says of the scan."""
    series = [row.series_of(channel) for channel in row.paths]
    about = [medres.__version__, spec.model_dump_json(), row.modality, *series, str(row.spacing_known)]
    digest = hashlib.sha256(json.dumps(about).encode())
    for name, channel in _channels(row, spec):
        digest.update(name.encode())
        for file in _files(manifest.path(row, channel)):
            digest.update(_file_digest(file))
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _read_cached(cache: TensorCache, key: str, spec: PreprocessingSpec) -> tuple[Tensor, dict[str, Any]] | None:
    """Read an entry; one that is not there or broken counts as absent."""
    entry, name = cache.get(key), _array_name(spec)
    if entry is None or name not in entry.arrays or {"content_digest", "facts"} - entry.notes.keys():
        return None
    return torch.from_numpy(entry.arrays[name]), entry.notes
