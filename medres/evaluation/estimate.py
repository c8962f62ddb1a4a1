"""A number -> a number that says how sure it is: `Estimate`.

Every output of this room is one. It knows no data; what is undefined is None with a reason, never 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

LEVEL = 0.95  # share of studies in which an interval is meant to hold the truth
FEW_POSITIVES = 10  # below this many of either class an interval says little, and a table says so


@dataclass(frozen=True)
class Estimate:
    """One number of an evaluation with its interval and its provenance.

    Attributes:
        value: the estimate; None where it is undefined.
        lower: lower end of the interval; None where there is none.
        upper: upper end of the interval; None where there is none.
        method: name of the interval's method, such as `wilson`.
        n: cases that the number was computed from.
        n_positive: positive cases among them; None where the number knows no positive class.
        unit: what a case is: `scan`, `lesion` or `patient`.
        level: confidence level of the interval.
        reason: why value is None; empty otherwise.
        x: numerator of a proportion (x of n), None for anything else.
        note: what a reader must know beside the number, such as `degenerate`.

    Example:
        >>> Estimate(0.9, 0.8, 0.95, "wilson", 40).value
        0.9
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    method: str = ""
    n: int = 0
    n_positive: int | None = None
    unit: str = "scan"
    level: float = LEVEL
    reason: str = ""
    x: int | None = None
    note: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


def undefined(reason: str, **fields: Any) -> Estimate:
    """Say that a number does not exist, and why.

    Args:
        reason: one clause for the reader, such as "no positive case".
        **fields: other fields of `Estimate`, such as n.

    Returns:
        An estimate whose value is None.

    Example:
        >>> undefined("no positive case", n=4).reason
        'no positive case'
    """
    return Estimate(None, reason=reason, **fields)


def finite(value: float | None) -> float | None:
    """Turn NaN and infinity into None, numpy scalars into Python floats.

    Example:
        >>> finite(float("nan")) is None
        True
    """
    return float(value) if value is not None and math.isfinite(value) else None


def to_fields(estimate: Estimate) -> dict[str, Any]:
    """Turn an estimate into plain values for JSON, empty texts left out.

    Returns:
        value, lower and upper always (null where undefined), the rest where it says something.

    Example:
        >>> to_fields(undefined("no positive case"))["value"] is None
        True
    """
    fields = asdict(estimate)
    always = {"value", "lower", "upper", "method", "n", "n_positive", "unit", "level"}
    return {name: value for name, value in fields.items() if name in always or value not in ("", None)}
