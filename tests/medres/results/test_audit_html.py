"""The page of an audit: what was found, no names, nothing fetched."""

from __future__ import annotations

import numpy as np

from medres.datasets.audit import AuditReport, Fault
from medres.datasets.leaks import Leak, Pair
from medres.evaluation.estimate import Estimate
from medres.results.audit_html import build_audit_html, name_some, say_estimate, shown_rows
from medres.results.disclaimer import DISCLAIMER

PAIR = Pair(2, 9, "near", 0.93, "mirrored", ("benign", "malignant"), ("train", "test"))
REPORT = AuditReport(
    "a" * 64, 12, 0, {"benign": 7, "malignant": 5}, (PAIR,), ((2, 9),), (Fault(4, "E_TRUNCATED", "<b>cut</b>"),),
    {"W_LOSSY": 3}, (Leak("near:train/test", "near", ("train", "test"), (2, 9), (9,)),), (), (), ((2, 9),),
)  # fmt: skip


def test_the_page_shows_the_pair_side_by_side_and_is_whole() -> None:
    pictures = {row: np.zeros((8, 8), np.uint8) for row in shown_rows(REPORT)}
    page = build_audit_html(REPORT, pictures)
    assert set(pictures) == {2, 9}
    for words in ("This split leaks", "near:train/test", "mirrored", "rows 2 (benign, train) and 9", DISCLAIMER):
        assert words in page
    assert "&lt;b&gt;cut" in page
    assert "http" not in page


def test_a_picture_that_cannot_be_read_leaves_the_page_whole() -> None:
    assert "rows 2" in build_audit_html(REPORT, {})


def test_numbers_are_said_with_their_interval_or_their_reason() -> None:
    assert say_estimate(Estimate(None, reason="one class")) == "not defined: one class"
    assert name_some([1, 2]) == "1, 2"
