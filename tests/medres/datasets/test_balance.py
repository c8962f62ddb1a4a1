"""Labels against site, sex, age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats.contingency import association

from medres.datasets.balance import count_column, find_balance
from medres.datasets.rows import Manifest, ManifestRow


def test_cramers_v_equals_scipys() -> None:
    generator = np.random.default_rng(0)
    cells, labels = (["".join(row) for row in generator.choice(list(names), (80, 1))] for names in ("ABC", "xy"))
    table = [[sum(c == v and x == y for c, x in zip(cells, labels, strict=True)) for y in "xy"] for v in "ABC"]
    assert count_column("site", cells, labels).association == pytest.approx(association(np.array(table)), abs=1e-4)


def test_ages_are_told_in_bands_and_site_first_when_it_goes_along() -> None:
    rows = tuple(
        ManifestRow(
            n,
            f"p{n}",
            {"image": Path(f"{n}")},
            "xy"[n % 2],
            site="AB"[n % 2],
            extra={"age": ("035Y", "71", "?")[n % 3]},
        )
        for n in range(12)
    )
    site, age = find_balance(Manifest(rows, Path(".")))
    assert (site.column, site.association, site.strong) == ("site", 1.0, True)
    assert set(age.counts) == {"20 to 39 years", "60 to 79 years", "(unknown)"}
    assert not age.strong


def test_one_value_has_no_association() -> None:
    assert count_column("site", ["A", "A"], ["x", "y"]).association is None
