"""The reference numbers of R (pROC, rms, epiR) and their data, for every test of this room."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from tests.shared_data import shared

CLOSED_FORM = 1e-9  # largest difference where a formula is evaluated
FIT = 1e-6  # largest difference where something is fitted


@cache
def _read(name: str, path: str) -> Any:
    return json.loads(open(path, encoding="utf-8").read()) if name.endswith("json") else pd.read_csv(path)


def expected(*keys: str, name: str = "expected.json") -> Any:
    """Look up a value of R's results by its keys."""
    value = _read(name, str(shared(f"reference/metrics/{name}")))
    for key in keys:
        value = value[key]
    return value


def table(name: str) -> pd.DataFrame:
    """Read one of the reference data sets."""
    return _read(name, str(shared(f"reference/metrics/{name}")))


def ds1(score: str = "score") -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of the small set with many ties (40 cases)."""
    rows = table("ds1_ties.csv")
    return rows["label"].to_numpy(), rows[score].to_numpy()


def indices(name: str) -> np.ndarray:
    """Fixed resample indices, one resample a line."""
    return np.loadtxt(shared(f"reference/metrics/{name}"), delimiter=",", dtype=int)
