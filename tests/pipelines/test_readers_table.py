"""A table of readers is matched with the cases; kappa and the counts equal a count by hand."""

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.cases import build_cases
from pipelines.readers_table import compare_readers
from pipelines.scored import ScoredRow, ScoredTable

N = 24
LABELS = np.arange(N) % 2
SCORES = np.linspace(0.05, 0.95, N)
CASES = build_cases(LABELS, SCORES, scans=[f"s{k}" for k in range(N)])
SIDE = (ScoredTable(tuple(ScoredRow(f"s{k}", "", str(LABELS[k]), SCORES[k]) for k in range(N)), "1"), None)


def read(tmp_path, text: str, decisions=None):
    (tmp_path / "r.csv").write_text(text)
    return compare_readers(tmp_path / "r.csv", SIDE, CASES, decisions)


def said(reader: str, calls) -> str:
    return "".join(f"s{k},{reader},{'yes' if call else 'no'}\n" for k, call in enumerate(calls))


def test_decisions_are_compared_with_the_first_side_and_readers_with_each_other(tmp_path):
    one, two, own = LABELS == 1, np.arange(N) < 8, SCORES >= 0.5
    found = read(tmp_path, "scan,reader,decision\n" + said("A", one) + said("B", two), (own, own))
    first = found["first against reader A"]["sensitivity"]
    assert (first.both, first.only_first, first.only_second) == (6, 0, 6)
    agree, chance = np.mean(one == two), np.mean(one) * np.mean(two) + np.mean(~one) * np.mean(~two)
    assert found["kappa"]["A and B"].value == pytest.approx((agree - chance) / (1 - chance))


def test_ratings_are_compared_by_area(tmp_path):
    text = "scan,reader,rating\n" + "".join(f"s{k},A,{LABELS[k]}\n" for k in range(N))
    area = read(tmp_path, text)["first against reader A"]["auroc"]
    assert area.second == 1.0
    assert area.first == pytest.approx(np.mean([a > b for a in SCORES[LABELS == 1] for b in SCORES[LABELS == 0]]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scan,reader\ns0,A\n", "E_EVAL_VALUE: a readers' table must have scan, reader, and decision or rating"),
        ("scan,reader,decision\n" + said("A", LABELS[:-3]), "E_EVAL_LENGTH: .* one with 3 unread"),
        ("scan,reader,decision\n" + said("A", LABELS) + "s0,A,no\n", "E_EVAL_DUPLICATE: .* rows 2, 26"),
        ("scan,reader,decision\n" + said("A", LABELS).replace("no", "perhaps", 1), "E_EVAL_VALUE: .* row 2"),
        ("scan,reader,rating\n" + said("A", LABELS), "E_EVAL_VALUE: .* rows 2, 3"),
    ],
)
def test_reject_a_table_that_does_not_cover_the_cases_once(tmp_path, text, message):
    with pytest.raises(EvaluationError, match=message):
        read(tmp_path, text)
