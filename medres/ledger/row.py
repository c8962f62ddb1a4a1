"""What was decided about one series -> LedgerRow, frozen; and which of its columns may leave the ledger.

Knows no database, no scan and no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warned", "refused", "out_of_scope", "error"]
STATUSES: tuple[Status, ...] = ("ok", "warned", "refused", "out_of_scope", "error")

KEY_COLUMNS = ("series_key", "model_digest", "configuration_digest")

# Columns that stay in the ledger (mode 600): where the scan lies; when it was scored, which may be when it was made.
INTERNAL_COLUMNS = frozenset({"relative_path", "source_stamp", "finished_at"})
JSON_COLUMNS = frozenset({"probabilities", "warnings", "versions", "places"})


@dataclass(frozen=True)
class LedgerRow:
    """One series, one model, one configuration.

    Attributes:
        series_key: as `medres inspect` shows it.
        model_digest, configuration_digest: SHA-256 (hex); with `series_key` the row's own key.
        status: "ok", "warned", "refused", "out_of_scope" or "error".
        code, message: why, unless ok; never a name, a date, an identifier or a path.
        modality: DICOM's word, or "".
        decision: "positive", "negative", "indeterminate", "out_of_scope" or "".
        probability: of the positive label, in [0, 1]; None where there is none.
        probabilities: by label name; empty where there is none.
        positive_label, operating_point: names; "" where there is none.
        threshold: of the operating point, in [0, 1].
        coverage: share of the scan that the network was shown, in [0, 1].
        warnings: `W_...` codes.
        places: most suspicious places of a model of patches, strongest first: `centre_ras_mm`, `centre_lps_mm` (null
            where mm or sides are not known), `voxel` from 0, `slice` from 1, `probability`, `patch_mm`.
        scan_digest: SHA-256 (hex) of the decoded scan, or "".
        patient_key, study_key: keyed pseudonyms, or "".
        model_name, model_version, engine, precision: what answered.
        versions: by library name.
        seconds: spent on this series.
        relative_path: internal; from the scored folder to the series' first file.
        source_stamp: internal; changes when the series' files change.
        finished_at: internal; UTC, ISO 8601.
    """

    series_key: str
    model_digest: str
    configuration_digest: str
    status: Status
    code: str = ""
    message: str = ""
    modality: str = ""
    decision: str = ""
    probability: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    positive_label: str = ""
    operating_point: str = ""
    threshold: float | None = None
    coverage: float | None = None
    warnings: tuple[str, ...] = ()
    places: tuple[Mapping[str, Any], ...] = ()
    scan_digest: str = ""
    patient_key: str = ""
    study_key: str = ""
    model_name: str = ""
    model_version: str = ""
    engine: str = ""
    precision: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    relative_path: str = ""
    source_stamp: str = ""
    finished_at: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes this row the only one of its kind."""
        return self.series_key, self.model_digest, self.configuration_digest


COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(LedgerRow))
NUMBER_COLUMNS = frozenset({"probability", "threshold", "coverage", "seconds"})
EXPORTED_COLUMNS: tuple[str, ...] = tuple(name for name in COLUMNS if name not in INTERNAL_COLUMNS)
