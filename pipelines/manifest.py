"""`medres manifest`: a folder per class, scans with a label table, or a MedMNIST file -> manifest, refusals apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from medres.datasets.channels import Patterns, read_channels
from medres.datasets.files import write_atomically
from medres.datasets.found import Gathered
from medres.datasets.manifest import write_manifest
from medres.datasets.medmnist_source import gather_medmnist
from medres.datasets.sources import gather_class_folders, gather_with_table
from medres.datasets.table import format_table
from medres.errors import IntakeError
from pipelines import console


def run(
    source: Path,
    out: Path,
    table: Path | None = None,
    modality: str | None = None,
    label_names: str | None = None,
    channels: str | None = None,
) -> int:
    """Inspect every scan, write the manifest, list what was refused; status 3 where something was."""
    if not source.exists():
        raise IntakeError("E_NOT_FOUND", "there is nothing at this place")
    patterns = read_channels(channels) if channels else None
    with console.progress("manifest") as advance:

        def show(done: int, total: int) -> None:
            advance(done, total or None)

        if source.is_file():
            gathered = _gather_file(source, out, modality, label_names, show)
        else:
            gathered = _gather_folder(source.resolve(), out, table, modality, patterns, show)
    write_manifest(gathered.manifest, out)
    if gathered.refusals:
        rows = [(str(refusal.number), refusal.code, refusal.message) for refusal in gathered.refusals]
        write_atomically(_refused_path(out), format_table(("file", "code", "message"), rows))
    _show(gathered, out)
    return console.EXIT_SOME_REFUSED if gathered.refusals else console.EXIT_OK


def _gather_file(
    source: Path, out: Path, modality: str | None, label_names: str | None, advance: Callable[[int, int], None]
) -> Gathered:
    folder = out.resolve().parent
    names = tuple(name.strip() for name in label_names.split(",")) if label_names else ()
    scans = folder / f"{out.stem}_scans"
    return gather_medmnist(source, folder, scans, label_names=names, modality=modality, on_progress=advance)


def _gather_folder(
    source: Path,
    out: Path,
    table: Path | None,
    modality: str | None,
    channels: Patterns | None,
    advance: Callable[[int, int], None],
) -> Gathered:
    folder = out.resolve().parent
    if table is not None:
        return gather_with_table(source, table, folder, modality=modality, channels=channels, on_progress=advance)
    return gather_class_folders(source, folder, modality=modality, channels=channels, on_progress=advance)


def _refused_path(out: Path) -> Path:
    return out.with_name(f"{out.stem}_refused.csv")


def _show(gathered: Gathered, out: Path) -> None:
    labels = Counter(row.label for row in gathered.manifest.rows)
    patients = len({row.patient_id for row in gathered.manifest.rows})
    console.say(
        f"{len(gathered.manifest.rows)} scans of {patients} patients: "
        + ", ".join(f"{k} {n}" for k, n in labels.items())
    )
    for note in gathered.notes:
        console.say(f"note: {note}")
    for code, count in Counter(refusal.code for refusal in gathered.refusals).items():
        console.say(f"refused: {count} with {code}, listed in {_refused_path(out)}")
