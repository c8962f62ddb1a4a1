"""Who may sign in, and as what."""

from __future__ import annotations

import pytest

from medres.errors import SpecError
from medres.review.people import LOCAL, People, read_people

FILE = """
schema_version = 1
hosts = ["reading.example.org"]
reader = ["Ann@Example.org"]
reviewer = ["bea@example.org"]
admin = ["cy@example.org"]
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str):
        (tmp_path / "people.toml").write_text(text)
        return tmp_path / "people.toml"

    return make


def test_each_role_sees_what_it_may(write):
    people = read_people(write(FILE))
    told = {name: people.find(f"{name}@example.org") for name in ("ann", "bea", "cy")}
    assert {name: (one.role, one.sees_others, one.oversees) for name, one in told.items()} == {
        "ann": ("reader", False, False),
        "bea": ("reviewer", True, False),
        "cy": ("admin", True, True),
    }
    assert people.hosts == ("reading.example.org",)
    assert LOCAL.oversees


def test_who_is_not_listed_or_not_verified_stays_outside(write):
    people = read_people(write(FILE))
    assert people.find("dan@example.org") is None
    assert people.find("") is None
    assert people.find("ann@example.org", verified=False) is None
    assert People(others="reader").find("dan@example.org").role == "reader"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("schema_version = 2\nreader = ['a@b']", "E_SPEC: schema_version must be 1"),
        ("schema_version = 1", "E_SPEC: the people file must name somebody"),
        ("schema_version = 1\nreader = ['secret-name']", "E_SPEC: reader must list e-mail addresses"),
        ("schema_version = 1\nreader = 'a@b'", "E_SPEC: reader must be a list"),
        ("schema_version = 1\nreader = ['a@b']\nadmin = ['A@b']", "E_SPEC: an address must stand in one list"),
        ("schema_version = 1\nothers = 'king'", "E_SPEC: others must be one of"),
        ("schema_version = 1\nreaders = ['a@b']", "E_SPEC_UNKNOWN_KEY"),
        ("schema_version = ", "E_SPEC_FORMAT"),
    ],
)
def test_reject_files_that_leave_open_who_may_come_in_without_naming_anybody(write, text, code):
    with pytest.raises(SpecError, match=code) as fault:
        read_people(write(text))
    assert "secret-name" not in str(fault.value)


def test_a_file_that_is_gone_is_one_sentence(tmp_path):
    with pytest.raises(SpecError, match="E_SPEC_FORMAT") as fault:
        read_people(tmp_path / "gone.toml")
    assert str(tmp_path) not in str(fault.value)
