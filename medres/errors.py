"""Every fault medres can name -> one sentence with a code, the numbers and the cure.

Knows nothing of scans, networks or screens; every other room knows it.

The tree::

    MedresError                 everything raised on purpose; has .code, .what, .cure
    ├── IntakeError             a scan that must not be read as it is          (medres.io)
    ├── DatasetError            a manifest, a split, a leak                    (medres.datasets)
    ├── SpecError               a configuration that is not valid              (every *Spec)
    ├── ModelError              a TrainedModel, its weights, its engine        (medres.models, engines)
    ├── ScopeError              a scan this model must not answer for          (medres.classifier)
    ├── TrainingError           a training that cannot start or go on          (medres.training)
    ├── EvaluationError         labels or scores no number can be made of      (medres.evaluation)
    ├── ExplanationError        a heatmap that cannot be made                  (medres.explain)
    └── StoreError              a ledger, a review store, a disk               (medres.ledger, review, results)

A code says which class raises it, how it arises and the cure; `docs/codes.md` is made from `CODES`. Codes that start
with `W_` are warnings: the scan is used and the code travels with every result made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from medres import codes


class MedresError(Exception):
    """A fault with a code, shown as `CODE: what is wrong (numbers) - what to do`.

    Args:
        code: a key of `CODES`, such as `E_GEOM_GAP`.
        what: what is wrong, with the numbers; never a patient's name, number, date, UID or a path.
        cure: what to do; None takes the code's own cure.
    """

    def __init__(self, code: str, what: str, cure: str | None = None) -> None:
        self.code = code
        self.what = what
        self.cure = CODES[code].cure if cure is None else cure
        super().__init__(f"{code}: {what} - {self.cure}")

    def __reduce__(self) -> tuple[type[MedresError], tuple[str, str, str]]:
        """Survive the way between processes (exceptions pickle their message otherwise)."""
        return type(self), (self.code, self.what, self.cure)


class IntakeError(MedresError):
    """A scan that must not be read as it is."""


class DatasetError(MedresError):
    """A manifest, a split or a leak between its parts."""


class SpecError(MedresError):
    """A configuration that is not valid."""


class ModelError(MedresError):
    """A TrainedModel, its weights or its engine."""


class ScopeError(MedresError):
    """A scan that this model must not answer for."""


class TrainingError(MedresError):
    """A training that cannot start or go on."""


class EvaluationError(MedresError):
    """Labels or scores that no number can be made of."""


class ExplanationError(MedresError):
    """A heatmap that cannot be made."""


class StoreError(MedresError):
    """A ledger, a review store or a disk."""


@dataclass(frozen=True)
class Code:
    """One entry of the public list of codes.

    Attributes:
        code: `E_...` (refused) or `W_...` (warned).
        room: the branch of the tree that raises it, such as `intake`.
        arises: how it arises, one sentence.
        cure: what to do, at the scanner, at the archive or on the command line.
    """

    code: str
    room: str
    arises: str
    cure: str


def _read_table(table: dict[str, str]) -> dict[str, Code]:
    """Turn the compact tables of `medres.codes` into `Code` entries."""
    found = {}
    for room, text in table.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            code, arises, cure = (part.strip() for part in line.split("|"))
            found[code] = Code(code, room, arises, cure)
    return found


CODES: dict[str, Code] = _read_table(codes.TABLES)


def describe(code: str) -> str:
    """Say a code in words, for pages and tables.

    Args:
        code: a key of `CODES`.

    Returns:
        `arises` of that code, such as "a slice is missing from the series".

    Example:
        >>> describe("W_TILT")
        'the gantry was tilted: slices are sheared against each other'
    """
    return CODES[code].arises
