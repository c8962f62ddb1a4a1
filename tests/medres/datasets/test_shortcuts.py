"""A label that facts of header and borders tell is found; chance is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.shortcuts import build_facts, find_shortcuts

COUNT = 160
GENERATOR = np.random.default_rng(0)
LABELS = [("benign", "malignant")[n] for n in GENERATOR.integers(0, 2, COUNT)]
TRUTH = np.array([label == "malignant" for label in LABELS])


def test_a_label_that_follows_size_is_feared() -> None:
    values = np.stack([TRUTH * 40 + GENERATOR.normal(0, 20, COUNT), GENERATOR.normal(size=COUNT)], axis=1)
    (found,) = find_shortcuts(("rows", "noise"), values, LABELS, np.arange(COUNT))
    assert found.label == "malignant"
    assert found.feared
    assert found.single[0][0] == "rows"
    assert found.single[0][1].value == pytest.approx(roc_auc_score(TRUTH, values[:, 0]))


def test_noise_is_not_feared() -> None:
    (found,) = find_shortcuts(("noise",), GENERATOR.normal(size=(COUNT, 1)), LABELS, np.arange(COUNT))
    assert not found.feared


def test_too_few_groups_give_no_number() -> None:
    values = GENERATOR.normal(size=(COUNT, 1))
    assert find_shortcuts(("x",), values, LABELS, np.arange(COUNT) % 3) == ()
    assert find_shortcuts((), np.zeros((COUNT, 0)), LABELS, np.arange(COUNT)) == ()


def test_columns_of_the_manifest_become_facts() -> None:
    rows = tuple(
        ManifestRow(
            n, f"p{n}", {"image": Path(f"{n}.png")}, "a", site="AB"[n % 2], extra={"age": str(40 + n), "split": "x"}
        )
        for n in range(2, 6)
    )
    names, values = build_facts(Manifest(rows, Path(".")), [{"rows": float(n), "same": 1.0} for n in range(4)])
    assert names == ("rows", "site A", "site B", "age")
    assert values[:, 3].tolist() == [42, 43, 44, 45]


def test_a_fact_that_tells_the_label_perfectly_is_feared_though_it_has_no_interval() -> None:
    (found,) = find_shortcuts(("rows",), TRUTH[:, None] * 40.0, LABELS, np.arange(COUNT))
    assert found.together.value == 1.0
    assert found.feared


def test_cells_that_are_no_number_count_as_missing() -> None:
    told = ("inf", "3", "nan", "1e400", "7")
    rows = tuple(
        ManifestRow(n, "p", {"image": Path(f"{n}.png")}, "a", extra={"bmi": cell}) for n, cell in enumerate(told)
    )
    names, values = build_facts(Manifest(rows, Path(".")), [{"rows": np.inf if n == 2 else 1.0} for n in range(5)])
    assert names == ("rows", "bmi")
    assert values[:, 1].tolist() == [-1, 3, -1, -1, 7]
    assert np.isfinite(values).all()
