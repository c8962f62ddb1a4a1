"""An estimate is frozen, and what is undefined stays null with its reason on the way to JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from medres.evaluation.estimate import Estimate, finite, to_fields, undefined


def test_undefined_is_null_in_json_with_a_reason():
    fields = json.loads(json.dumps(to_fields(undefined("no positive case", n=3, unit="patient"))))
    assert fields["value"] is None
    assert fields["lower"] is None
    assert fields["reason"] == "no positive case"
    assert fields["unit"] == "patient"


def test_defined_fields_leave_empty_texts_out():
    fields = to_fields(Estimate(0.5, 0.4, 0.6, "wilson", 10, 5, x=5))
    assert fields["x"] == 5
    assert "reason" not in fields
    assert "note" not in fields


def test_an_estimate_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate(0.5).value = 1.0


def test_numpy_scalars_become_floats_and_infinity_none():
    assert type(finite(np.float64(0.5))) is float
    assert finite(np.inf) is None
    assert finite(None) is None
    assert Estimate(0.0).defined
