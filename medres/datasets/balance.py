"""Manifest rows -> how labels are spread over sites, sexes, ages and other columns, and how strongly.

Knows the table alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medres.datasets.rows import Manifest

MOST_VALUES = 12  # values of a column that are told one by one
AGE_BANDS = (0, 20, 40, 60, 80, 200)  # years
STRONG = 0.3  # Cramér's V from which an association is said


@dataclass(frozen=True)
class Balance:
    """One column against the labels.

    Attributes:
        column: name.
        counts: value to {label: rows}.
        association: Cramér's V between column and label, 0 (none) to 1; None with fewer than two values or labels.
        strong: whether it is at least 0.3.
    """

    column: str
    counts: dict[str, dict[str, int]]
    association: float | None

    @property
    def strong(self) -> bool:
        """Whether the label goes along with this column."""
        return self.association is not None and self.association >= STRONG


def find_balance(manifest: Manifest) -> tuple[Balance, ...]:
    """Count labels over the values of each column.

    Args:
        manifest: `site`, `modality` and every further column with at most 12 values; ages in bands of 20 years.

    Returns:
        One for each column, the strongest association first.
    """
    labels = [row.label for row in manifest.rows]
    found = []
    for column in manifest.telling_columns:
        cells = [row.value(column) for row in manifest.rows]
        cells = [_age_band(cell) for cell in cells] if column == "age" else cells
        if 1 <= len(set(cells) - {""}) <= MOST_VALUES:
            found.append(count_column(column, cells, labels))
    return tuple(sorted(found, key=lambda balance: -(balance.association or 0)))


def _age_band(cell: str) -> str:
    try:
        years = float(cell.strip().upper().removesuffix("Y"))  # DICOM writes 061Y
    except ValueError:
        return ""
    upper = next((end for end in AGE_BANDS[1:] if years < end), None)
    return "" if upper is None or years < 0 else f"{AGE_BANDS[AGE_BANDS.index(upper) - 1]} to {upper - 1} years"


def count_column(column: str, cells: Sequence[str], labels: Sequence[str]) -> Balance:
    """Cross one column with the labels.

    Args:
        column: name.
        cells: (n,) values, "" for unknown.
        labels: (n,).

    Returns:
        Counts and Cramér's V over the rows whose value is known.

    Example:
        >>> count_column("site", ["A", "A", "B", "B"], ["x", "x", "y", "y"]).association
        1.0
    """
    values, names = sorted(set(cells)), sorted(set(labels))
    table = np.zeros((len(values), len(names)), int)
    for cell, label in zip(cells, labels, strict=True):
        table[values.index(cell), names.index(label)] += 1
    counts = {
        value or "(unknown)": {name: int(n) for name, n in zip(names, row, strict=True)}
        for value, row in zip(values, table, strict=True)
    }
    return Balance(column, counts, _cramers_v(table[[bool(value) for value in values]]))


def _cramers_v(table: np.ndarray) -> float | None:
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi_square = float((((table - expected) ** 2) / expected).sum())
    return round(float(np.sqrt(chi_square / (table.sum() * (min(table.shape) - 1)))), 4)
