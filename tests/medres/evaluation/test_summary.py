"""The whole evaluation holds the parts' numbers, says what is missing, and takes one pass over the resamples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from medres.evaluation.cases import Threshold, build_cases
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.curves import measure_by_resampling
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import Estimate
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import summarise
from medres.evaluation.utility import decision_curve
from tests.medres.evaluation.reference import ds1, table

POINT = Threshold("stated", 0.5, "stated", "stated beforehand")


def estimates(value):
    """Every estimate below a value."""
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from estimates(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from estimates(part)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from estimates(getattr(value, field.name))


def test_parts_equal_what_their_own_functions_give():
    labels, scores = ds1()
    plan = Resampling(80, 3)
    found = summarise(build_cases(labels, scores), [POINT], plan=plan)
    alone = measure_by_resampling(labels, scores, plan, threshold=0.5)
    assert found.discrimination["auroc"] == auroc(labels, scores)
    assert found.discrimination["auprc"] == alone["auprc"]
    counted = dataclasses.replace(alone["sensitivity_bootstrap"], n=17, n_positive=None, x=11)
    assert found.points["stated"].resampled["sensitivity_bootstrap"] == counted
    assert found.decisions == decision_curve(labels, scores, plan=plan)


def test_clustered_scans_have_obuchowski_as_headline_and_naive_intervals_labelled():
    rows = table("ds4_clustered.csv")
    cases = build_cases(
        rows["label"], rows["score"], patients=list(rows["patient"]), columns={"m": list(rows["subgroup"])}
    )
    found = summarise(cases, [POINT], plan=Resampling(30))
    assert found.discrimination["auroc"].method == "logit-obuchowski"
    assert found.discrimination["auroc_naive"].note == "naive: do not report this interval"
    assert found.plan.method == "patient bootstrap, percentile"
    labelled = [*found.points["stated"].rates.values(), *(group.sensitivity for group in found.subgroups)]
    assert all("scans taken as independent" in one.method for one in labelled)
    assert set(found.patients) == {"max", "mean", "noisy-or"}


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_reasons_and_no_zero_or_one_in_place_of_them(label):
    found = summarise(build_cases([label] * 12, np.linspace(0.1, 0.9, 12)), [POINT], plan=Resampling(20))
    for one in estimates(found):
        assert one.value is not None or one.reason
        assert one.value is not None or (one.lower, one.upper) == (None, None)
    assert found.discrimination["auroc"].value is None
    assert "undefined" in found.notes[0]


def test_without_threshold_resamples_or_probabilities_it_says_so():
    found = summarise(build_cases([0, 1, 0, 1], [-1, 2, 1, 3], scale="any"), plan=Resampling(0))
    assert found.points == {}
    assert found.decisions == ()
    assert found.discrimination["auprc"].lower is None
    told = " ".join(found.notes)
    assert "no stated threshold" in told
    assert "no probabilities" in told
    assert "no resamples" in told


def test_an_indeterminate_band_is_measured():
    labels, scores = ds1()
    found = summarise(build_cases(labels, scores), [POINT], plan=Resampling(5), band=(0.4, 0.6))
    assert found.band["answered"].x == int(np.sum((scores < 0.4) | (scores >= 0.6)))


def test_intervals_hold_their_values_and_are_ordered():
    labels, scores = ds1()
    for one in estimates(summarise(build_cases(labels, scores), [POINT], plan=Resampling(200))):
        if one.lower is not None and "bootstrap" not in one.method:
            assert one.lower <= one.value <= one.upper


def test_several_classes_of_clustered_scans_have_obuchowskis_interval_or_say_what_they_ignore():
    rng = np.random.default_rng(3)
    names, n = ("a", "b", "c"), 60
    table_ = rng.dirichlet(np.ones(3), n)
    classes = tuple(names[k] for k in rng.integers(0, 3, n))
    patients = np.array([f"p{k // 3}" for k in range(n)])
    labels = np.array([one == "c" for one in classes])
    cases = build_cases(labels, table_[:, 2], patients=patients.tolist())
    found = summarise(
        dataclasses.replace(cases, classes=classes, class_names=names, probabilities=table_), plan=Resampling(5)
    ).classes
    wanted = auroc_clustered(labels, table_[:, 2], patients)
    assert found["one_vs_rest"]["c"]["auroc"] == wanted
    assert {one.method for one in found["one_vs_rest"]["a"].values()} == {"logit-obuchowski", "obuchowski"}
    for one in (found["accuracy"], found["per_class"]["a"]["recall"]):
        assert one.method == "wilson, scans taken as independent"


def test_the_band_has_the_level_that_was_asked_for():
    labels, scores = ds1()
    plan = Resampling(5, level=0.9)
    found = summarise(build_cases(labels, scores), [POINT], plan=plan, band=(0.4, 0.6)).band
    assert {one.level for one in found.values()} == {0.9}
