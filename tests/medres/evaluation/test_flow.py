"""Every scan is counted, and the worst case counts failures as errors."""

from __future__ import annotations

import numpy as np

from medres.evaluation.confusion import Confusion, count_decisions
from medres.evaluation.flow import Fate, add_failures, count_flow, failure_rate, worst_case


def some_fates() -> list[Fate]:
    return [
        *[Fate(True, "analysed")] * 8,
        *[Fate(False, "analysed")] * 10,
        Fate(True, "indeterminate"),
        Fate(True, "not readable", "E_TRUNCATED"),
        Fate(False, "not scored", "E_TIMEOUT"),
        Fate(False, "out of scope", "E_SCOPE_MODALITY"),
        Fate(False, "out of scope", "E_SCOPE_MODALITY"),
    ]


def test_counts_add_up_and_reasons_name_their_codes():
    flow = count_flow(some_fates())
    assert (flow.received, flow.readable, flow.scored, flow.indeterminate, flow.analysed) == (23, 22, 19, 1, 19)
    assert flow.reasons["out of scope"] == {"E_SCOPE_MODALITY": 2}
    assert flow.received - flow.analysed == sum(sum(codes.values()) for codes in flow.reasons.values())
    assert (flow.positives, flow.failed_positives, flow.failed_negatives) == (10, 1, 3)


def test_worst_case_takes_every_failure_for_an_error():
    flow, counts = count_flow(some_fates()), Confusion(8, 1, 1, 9)
    found = worst_case(counts, flow)
    assert (found["sensitivity"].x, found["sensitivity"].n) == (8, 10)
    assert (found["specificity"].x, found["specificity"].n) == (9, 13)
    assert add_failures(counts, flow).n == flow.received


def test_worst_case_equals_counting_failures_as_wrong_decisions():
    truth = np.array([True, True, False, False])
    called = np.array([True, False, False, False])
    flow = count_flow(
        [Fate(bool(t), "analysed") for t in truth] + [Fate(True, "not scored"), Fate(False, "not scored")]
    )
    slow = count_decisions(np.append(truth, [True, False]), np.append(called, [False, True]))
    assert add_failures(count_decisions(truth, called), flow) == slow


def test_no_failure_leaves_the_primary_analysis_alone():
    flow = count_flow([Fate(True, "analysed")] * 3)
    assert add_failures(Confusion(2, 0, 1, 0), flow) == Confusion(2, 0, 1, 0)
    assert failure_rate(flow).x == 0


def test_nothing_received_has_a_null_failure_rate():
    assert failure_rate(count_flow([])).value is None
