"""The setting says whether the model saw patients."""

from __future__ import annotations

from dataclasses import replace

from tests.medres.results.evaluation_example import example


def test_phantoms_are_told_from_patients():
    setting = example()[1]
    assert setting.synthetic
    assert not replace(setting, model={}).synthetic
