"""Resamples: repeatable, stratified, whole patients, and as published where they are fixed."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.evaluation.resampling import Resampling, draw_patients, draw_stratified, from_rows, rank_cases, resample


def test_each_class_keeps_its_size():
    strata = np.arange(50) % 3 == 0
    weights = np.concatenate(list(draw_stratified(strata, 40, 0)))
    assert weights.shape == (40, 50)
    assert (weights[:, strata].sum(axis=1) == strata.sum()).all()
    assert (weights.sum(axis=1) == 50).all()


def test_every_scan_of_a_patient_is_drawn_as_often_as_the_patient():
    patients = np.repeat(["a", "b", "c", "d"], [3, 1, 2, 4])
    labels = np.array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0], bool)
    weights = np.concatenate(list(draw_patients(patients, labels, 30, 1)))
    for name in "abcd":
        assert (np.ptp(weights[:, patients == name], axis=1) == 0).all()


def test_the_same_seed_gives_the_same_resamples_in_blocks_of_any_size(monkeypatch):
    cases = rank_cases(np.arange(20) % 2, np.arange(20))
    whole = np.concatenate(list(resample(cases, Resampling(25, 3))))
    assert (whole == np.concatenate(list(resample(cases, Resampling(25, 3))))).all()
    assert not (whole == np.concatenate(list(resample(cases, Resampling(25, 4))))).all()


def test_published_rows_are_counted_in_canonical_order():
    cases = rank_cases([0, 1], [0.9, 0.1])
    assert next(from_rows(cases, np.array([[0, 0]]))).tolist() == [[0, 2]]


def test_mean_weight_is_one():
    weights = np.concatenate(list(draw_stratified(np.zeros(10, bool), 4000, 0)))
    assert weights.mean(axis=0) == pytest.approx(np.ones(10), abs=0.08)


def test_reject_no_case_and_patients_of_another_length():
    with pytest.raises(EvaluationError, match="E_EVAL_EMPTY"):
        rank_cases([], [])
    with pytest.raises(EvaluationError, match="E_EVAL_LENGTH"):
        resample(rank_cases([0, 1], [0.1, 0.2]), Resampling(5, 0, np.array(["a"])))


def test_blocks_of_another_size_hold_the_same_resamples():
    strata = np.random.default_rng(0).random(30) < 0.4
    patients = np.random.default_rng(1).integers(0, 9, 30)
    for draw in (
        lambda cells: draw_stratified(strata, 25, 3, cells),
        lambda cells: draw_patients(patients, strata, 25, 3, cells),
    ):
        assert np.array_equal(np.concatenate(list(draw(60))), np.concatenate(list(draw(10_000))))
    assert np.array_equal(
        np.concatenate(list(draw_stratified(np.sort(strata), 9, 3)))[:, : int((~strata).sum())],
        np.concatenate(list(draw_stratified(strata, 9, 3)))[:, ~strata],
    )
