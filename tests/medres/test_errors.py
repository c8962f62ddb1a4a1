"""Faults read as one sentence, and survive the way between processes."""

from __future__ import annotations

import pickle

import pytest

from medres import errors
from medres.errors import CODES, IntakeError, MedresError, describe

BRANCHES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MedresError)]


def test_the_message_is_code_fault_and_cure():
    fault = IntakeError("E_GEOM_GAP", "gap 5.00 mm after slice 5 of 11")
    assert str(fault).startswith("E_GEOM_GAP: gap 5.00 mm after slice 5 of 11 - export the series again")


def test_a_cure_of_its_own_takes_the_place_of_the_codes():
    assert str(IntakeError("E_GEOM_GAP", "a gap", "look twice")) == "E_GEOM_GAP: a gap - look twice"


@pytest.mark.parametrize("kind", BRANCHES)
def test_every_fault_survives_pickling(kind):
    fault = pickle.loads(pickle.dumps(kind("E_SPEC", "a value", "another")))
    assert type(fault) is kind
    assert (fault.code, fault.what, fault.cure) == ("E_SPEC", "a value", "another")


def test_an_unknown_code_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        IntakeError("E_NO_SUCH_CODE", "x")


def test_the_tree_in_the_docstring_names_every_branch():
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in BRANCHES)


def test_describe_says_a_code_in_words():
    assert describe("E_GEOM_GAP") == CODES["E_GEOM_GAP"].arises
