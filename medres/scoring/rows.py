"""A Prediction or a fault -> the row of its series.

Knows no file and no process.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from medres import __version__
from medres.classifier import Prediction
from medres.errors import IntakeError, MedresError, ScopeError
from medres.io.privacy import load_site_key, pseudonym
from medres.ledger import LedgerRow, Status
from medres.results.report import place_facts
from medres.volume import Volume

LIBRARIES = ("torch", "monai", "numpy", "scipy", "pydicom", "nibabel", "openvino")
OF_THE_MODEL = frozenset({"W_MODEL_PHANTOM"})  # warnings that say nothing of the scan
FAULTS_OF_THE_RUN = frozenset({"E_INPUT_CHANGED", "E_UNREADABLE", "E_WORKER_DIED", "E_TIMEOUT"})


@dataclass(frozen=True)
class Context:
    """What all rows of one run share.

    Attributes:
        model_digest, configuration_digest, model_name, model_version, engine, precision: of the classifier.
        versions: by library name.
    """

    model_digest: str
    configuration_digest: str
    model_name: str
    model_version: str
    engine: str
    precision: str
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """What a row says of where its series lies.

    Attributes:
        series_key: as `medres inspect` shows it.
        modality: DICOM's word, or "".
        relative_path, source_stamp: internal.
    """

    series_key: str
    modality: str
    relative_path: str
    source_stamp: str


@cache
def library_versions() -> dict[str, str]:
    """List the versions that a score hangs on.

    Returns:
        By name; medres first.
    """
    return {"medres": __version__} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def row_of(prediction: Prediction, volume: Volume, source: Source, context: Context) -> LedgerRow:
    """Write down an answer.

    Args:
        prediction: of the scan.
        volume: the scan.
        source: of its series.
        context: of the run.

    Returns:
        A row with status "ok", "warned" or "out_of_scope".
    """
    point = prediction.operating_point
    return replace(
        _blank(source, context),
        modality=volume.modality,
        status=_status(prediction),
        code=prediction.code,
        message=prediction.reason,
        decision=prediction.decision,
        probability=prediction.probability,
        probabilities=dict(prediction.probabilities),
        positive_label=prediction.positive_label,
        operating_point="" if point is None else point.name,
        threshold=prediction.threshold,
        coverage=prediction.coverage,
        warnings=prediction.warnings,
        places=tuple(place_facts(place, volume).model_dump(mode="json") for place in prediction.places),
        scan_digest=prediction.scan_digest,
        patient_key=volume.origin.patient_key,
        study_key=pseudonym(load_site_key(), volume.origin.study_instance_uid),
    )


def row_of_fault(fault: MedresError, source: Source, context: Context) -> LedgerRow:
    """Write down why there is no answer.

    Args:
        fault: its message holds numbers and a cure, no name and no path.
        source: of the series.
        context: of the run.

    Returns:
        A row with status "refused" (the scan) or "error" (the run).
    """
    refused = isinstance(fault, (IntakeError, ScopeError)) and fault.code not in FAULTS_OF_THE_RUN
    status: Status = "refused" if refused else "error"
    return replace(_blank(source, context), status=status, code=fault.code, message=f"{fault.what} - {fault.cure}")


def _status(prediction: Prediction) -> Status:
    if prediction.decision == "out_of_scope":
        return "out_of_scope"
    return "warned" if set(prediction.warnings) - OF_THE_MODEL else "ok"


def _blank(source: Source, context: Context) -> LedgerRow:
    """Begin a row with what does not depend on the answer."""
    return LedgerRow(
        series_key=source.series_key,
        model_digest=context.model_digest,
        configuration_digest=context.configuration_digest,
        status="error",
        model_name=context.model_name,
        model_version=context.model_version,
        engine=context.engine,
        precision=context.precision,
        versions=context.versions,
        modality=source.modality,
        relative_path=source.relative_path,
        source_stamp=source.source_stamp,
    )
