"""Sentences say what the numbers say."""

from __future__ import annotations

from dataclasses import replace

from medres.evaluation.estimate import Estimate
from medres.results import evaluation_words as words
from tests.medres.results.evaluation_example import example


def test_summary_names_counts_area_and_threshold():
    text = " ".join(words.summary_sentences(*example()))
    assert "60 of 61 scans of 30 patients were analysed, 20 of them tumour" in text
    assert "chosen by the rule “youden” on the model's validation data" in text


def test_flow_and_worst_case_tell_of_the_failure():
    _, setting = example()
    assert "1 of 61 scans got no score: 1 not readable." in words.flow_sentences(setting)
    assert "decided wrongly" in words.worst_case_sentence(setting, 0.95)


def test_calibration_is_judged_by_its_interval_and_not_by_its_value():
    evaluation, _ = example()
    sure = replace(evaluation, calibration={"citl": Estimate(-1, -1.5, -0.5), "slope": Estimate(0.5, 0.3, 0.7)})
    unsure = replace(evaluation, calibration={"citl": Estimate(-1, -2.5, 0.5), "slope": Estimate(0.5, 0.1, 1.2)})
    assert "too high" in words.calibration_sentences(sure)[0]
    assert "too extreme (slope" in words.calibration_sentences(sure)[1]
    assert all("not shown" in sentence for sentence in words.calibration_sentences(unsure))


def test_undefined_numbers_are_said_with_their_reason():
    assert (
        words.say_inline("AUROC", Estimate(None, reason="no positive case"), 0.95)
        == "AUROC undefined (no positive case)"
    )


def test_subgroups_and_utility_are_put_into_words():
    evaluation, _ = example()
    assert "AUROC ranged from" in words.subgroup_sentence(evaluation)
    assert "net benefit" in words.utility_sentence(evaluation)
    assert words.utility_sentence(replace(evaluation, decisions=())).startswith("At no threshold")


def test_the_gate_and_the_band_are_put_into_words():
    evaluation, setting = example()
    assert "called out of scope 0.017 (1/60; 95 % CI" in words.gate_sentence(setting, 0.95)
    none = {"out_of_scope": replace(setting.gate["out_of_scope"], x=0, value=0.0)}
    assert words.gate_sentence(replace(setting, gate=none), 0.95) == (
        "None of 60 readable scans was called out of scope."
    )
    text = words.abstention_sentence(evaluation, setting)
    assert "Scores from 0.450 to below 0.550 get no decision" in text
    assert "; of all it was 0." in text
    assert "the band is empty" in words.abstention_sentence(evaluation, replace(setting, band=(0.5, 0.5)))


def test_what_the_band_promised_stands_beside_what_it_kept():
    evaluation, setting = example()
    promised = {"rule": "error<=0.05", "coverage": "0.8", "error": "0.04", "n": "128"}
    told = replace(setting, training={f"abstention {name}": value for name, value in promised.items()})
    text = words.abstention_sentence(evaluation, told)
    assert (
        "by the rule “error ≤ 0.05”: there the share answered was 0.8 (n = 128) and the error 0.04). On these data"
        in text
    )
