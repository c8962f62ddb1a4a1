"""Tables of resamples are summarised as scikit-learn does one by one; what is undefined stays so."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from medres.evaluation.cases import Threshold, build_cases
from medres.evaluation.confusion import agreement_scores, count
from medres.evaluation.decision_tables import draw_tables, score_tables, score_two_classes, with_percentiles
from medres.evaluation.estimate import Estimate, undefined
from medres.evaluation.multiclass import check_multiclass, measure_decisions
from medres.evaluation.resampling import Resampling, draw_patients, draw_stratified, rank_cases
from medres.evaluation.summary import summarise


def random_answers(seed: int, classes: int = 4, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    return truth, np.where(rng.random(n) < 0.6, truth, rng.integers(0, classes, n))


@pytest.mark.parametrize("seed", range(5))
def test_resampled_tables_equal_scikit_learn_row_by_row(seed):
    truth, called = random_answers(seed)
    weights = np.concatenate(list(draw_stratified(truth, 6, seed)))
    found = score_tables(draw_tables(truth, called, 4, iter([weights[:2], weights[2:]])))
    for place, row in enumerate(weights):
        often = {"sample_weight": row}
        wanted = {
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, called, **often),
            "cohen_kappa": metrics.cohen_kappa_score(truth, called, **often),
            "mcc": metrics.matthews_corrcoef(truth, called, **often),
            "macro_f1": metrics.f1_score(truth, called, average="macro", **often),
        }
        assert {name: found[name][place] for name in wanted} == pytest.approx(wanted, abs=1e-12)


def test_two_classes_equal_the_scores_of_one_table():
    labels = np.array([1, 0, 0, 1, 1, 0, 0, 1])
    scores = np.array([0.9, 0.1, 0.6, 0.4, 0.7, 0.2, 0.5, 0.8])
    once = agreement_scores(count(labels, scores, 0.5))
    tables = draw_tables(labels, (scores >= 0.5).astype(int), 2, iter([np.ones((1, 8), int)]))
    found = score_two_classes(tables)
    assert {name: found[name][0] for name in once} == pytest.approx({name: one.value for name, one in once.items()})


@pytest.mark.parametrize("clustered", [False, True])
def test_scores_at_the_default_point_have_the_interval_of_their_resamples(clustered):
    rng = np.random.default_rng(4)
    labels, scores = rng.random(80) < 0.4, rng.random(80)
    patients = rng.integers(0, 30, 80).astype(str) if clustered else None
    cases = build_cases(labels, scores, patients=None if patients is None else patients.tolist())
    found = summarise(cases, [Threshold("a", 0.5, "", ""), Threshold("b", 0.6, "", "")], plan=Resampling(50, 1))
    ranked = rank_cases(labels, scores)
    drawn = (
        draw_stratified(ranked.labels, 50, 1)
        if patients is None
        else draw_patients(patients[ranked.order], ranked.labels, 50, 1)
    )
    slow = [
        metrics.matthews_corrcoef(ranked.labels, ranked.scores >= 0.5, sample_weight=row)
        for row in np.concatenate(list(drawn))
    ]
    one = found.points["a"].scores["mcc"]
    assert (one.lower, one.upper) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])), abs=1e-12)
    assert one.method == f"{'patient' if clustered else 'stratified'} bootstrap, percentile"
    assert found.points["b"].scores["mcc"].lower is None


def test_scores_of_several_classes_have_intervals_that_hold_them_and_do_not_depend_on_the_rows_order():
    truth, called = random_answers(1, 3, 90)
    table = np.eye(3)[called] * 0.5 + 0.5 / 3
    names = ("a", "b", "c")
    cases = check_multiclass([names[k] for k in truth], table, names)
    order = np.random.default_rng(0).permutation(90)
    moved = check_multiclass([names[k] for k in truth[order]], table[order], names)
    found, again = (measure_decisions(one, Resampling(60, 3)) for one in (cases, moved))
    for name in ("balanced_accuracy", "cohen_kappa", "mcc", "macro_f1"):
        assert found[name].lower < found[name].value < found[name].upper
        assert (found[name].lower, found[name].upper) == (again[name].lower, again[name].upper)
    assert found["per_class"]["b"]["f1"].lower < found["per_class"]["b"]["f1"].value


def test_what_is_undefined_stays_null():
    tables = np.array([[[3, 0], [2, 0]]])  # nothing is called positive
    assert np.isnan(score_tables(tables)["mcc"][0])
    kept = with_percentiles({"mcc": undefined("empty")}, {"mcc": np.array([0.1, 0.2])}, Resampling(2))
    assert kept["mcc"].lower is None
    assert with_percentiles({"mcc": Estimate(0.1)}, {"mcc": np.full(9, np.nan)}, Resampling(9))["mcc"].lower is None
