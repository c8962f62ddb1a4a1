"""What predict and explain share: a path and further channels -> Volumes; a refused scan -> a sentence, status 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from medres.classifier import Classifier
from medres.errors import IntakeError, MedresError, ScopeError, StoreError
from medres.io import read
from medres.volume import Volume
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, say_error

Scan = Volume | dict[str, Volume]
OF_THE_CALL = frozenset({"E_NOT_FOUND"})  # nothing was refused: there is nothing


def intake_choices(
    modality: str | None, nifti_frame: str | None, allow_gaps: bool = False, frame: int | None = None
) -> dict[str, str]:
    """Name the choices at reading that change a result, as `medres score` names them."""
    told = {
        "modality": (modality or "").upper(),
        "nifti_frame": nifti_frame or "",
        "allow_gaps": "yes" if allow_gaps else "",
        "frame": str(frame or ""),
    }
    return {name: value for name, value in told.items() if value}


def read_scan(
    classifier: Classifier,
    path: Path,
    channels: Sequence[str] | None = None,
    *,
    series: str | None = None,
    modality: str | None = None,
    nifti_frame: str | None = None,
    allow_gaps: bool = False,
    frame: int | None = None,
) -> Scan:
    """Read the scan, or one Volume for each channel where several are given.

    Args:
        classifier: names the channels; PATH is the first of them.
        path: a file or a folder.
        channels: "name=path" for each further one.
        series: key of PATH's series.
        modality: as for `medres.read`, like the next two.
        nifti_frame: as for `medres.read`.
        allow_gaps: as for `medres.read`.
        frame: as for `medres.read`.
    """
    first = read(path, series=series, modality=modality, nifti_frame=nifti_frame, allow_gaps=allow_gaps, frame=frame)
    if not channels:
        return first
    named = {classifier.model.spec.preprocessing.channels[0]: first}
    for text in channels:
        name, sign, place = text.partition("=")
        if not (name and sign and place) or name in named:
            raise StoreError("E_USAGE", "--channel must be name=path, each name once and the first channel as PATH")
        named[name] = read(Path(place), modality=modality, nifti_frame=nifti_frame, allow_gaps=allow_gaps, frame=frame)
    return named


def reference_of(classifier: Classifier, scan: Scan) -> Volume:
    """Give the Volume on whose grid results are shown."""
    return scan if isinstance(scan, Volume) else scan[classifier.model.spec.preprocessing.channels[0]]


def refusing(work: Callable[[], None]) -> int:
    """Do the work; a scan that is refused becomes one sentence on stderr and exit status 3."""
    try:
        work()
    except (IntakeError, ScopeError) as fault:
        if fault.code in OF_THE_CALL:
            raise
        say_error(fault)
        return EXIT_SOME_REFUSED
    except MedresError as fault:
        if fault.code != "E_EXPLAIN_INPUT":
            raise
        say_error(fault)
        return EXIT_SOME_REFUSED
    return EXIT_OK
