"""What stands around the numbers of an evaluation -> EvaluationSetting: whose scores, on which data, with which losses.

Mute data; the recipe of `medres evaluate` fills it, the JSON and the pages read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medres.evaluation.confusion import Confusion
from medres.evaluation.estimate import Estimate
from medres.evaluation.flow import Flow


@dataclass(frozen=True, eq=False)
class EvaluationSetting:
    """Everything about an evaluation that is no number of it.

    Attributes:
        title: of the report.
        model: facts of the model (name, version, digest, modality, intended use, not for, ...); empty for a table.
        training: how the model was made, one line each; empty for a table.
        data: facts of the data (digests of data, manifest and split, part, patients, exclusions, leak check).
        flow: received to analysed.
        worst_case: rates with failures as errors, by name; empty without an operating point.
        worst_counts: the four counts behind them; None without an operating point.
        failures: share that got no score.
        band: indeterminate scores (lower, upper), or None.
        gate: how often readable scans were called out of scope; empty without a gate.
        calibrators: by kind: `record` (fitted on validation data) and `after`, calibration measured with it.
        localisation: FROC numbers; empty without marks.
        froc: the curve (`false_positives`, `sensitivity`, `threshold`), for the plot.
        hit_rule: how marks were matched with lesions and scored; empty without marks.
        kept: further tables to lie beside the numbers, by file name.
        notes: further sentences that a reader must know.
        positive: name of the positive class.
        negative: name of everything else.
        version: of medres.
        date: day of the report, such as "2026-01-31"; not part of the JSON.
    """

    title: str
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    flow: Flow
    worst_case: Mapping[str, Estimate]
    worst_counts: Confusion | None
    failures: Estimate
    training: Mapping[str, Any] = field(default_factory=dict)
    band: tuple[float, float] | None = None
    gate: Mapping[str, Estimate] = field(default_factory=dict)
    calibrators: Mapping[str, Any] = field(default_factory=dict)
    localisation: Mapping[str, Estimate] = field(default_factory=dict)
    froc: Mapping[str, Any] = field(default_factory=dict)
    hit_rule: str = ""
    kept: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    positive: str = "positive"
    negative: str = "negative"
    version: str = ""
    date: str = ""

    @property
    def synthetic(self) -> bool:
        """Whether the model was trained on phantoms."""
        return bool(self.model.get("synthetic"))
