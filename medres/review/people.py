"""A TOML file -> who may sign in to the viewer, and as what.

Knows names and roles; knows no login and no page. One local reader needs no such file and may do everything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from medres.errors import SpecError

Role = Literal["reader", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
KEYS = ("schema_version", "hosts", "others", *ROLES)


@dataclass(frozen=True)
class Person:
    """Who reads.

    Attributes:
        name: as the trail keeps it; the address that signed in, or "local".
        role: "reader" reads and sees own readings; "reviewer" also sees those of others, each after an own first
            reading; "admin" also sees the dashboard and exports the trail.
    """

    name: str
    role: Role

    @property
    def sees_others(self) -> bool:
        """Whether readings of others may be shown, each after an own first reading."""
        return self.role in ("reviewer", "admin")

    @property
    def oversees(self) -> bool:
        """Whether the dashboard and the trail may be shown."""
        return self.role == "admin"


LOCAL = Person("local", "admin")


@dataclass(frozen=True)
class People:
    """Who may sign in.

    Attributes:
        roles: by address, in small letters.
        others: role of an address that is not listed, or "" to turn it away.
        hosts: names under which a proxy reaches the viewer, beside this machine's own.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    others: Role | Literal[""] = ""
    hosts: tuple[str, ...] = ()

    def find(self, address: str, *, verified: bool | None = None) -> Person | None:
        """Tell who signed in.

        Args:
            address: the e-mail address that the identity provider gave.
            verified: what the provider says of it; False turns it away, None where it says nothing.

        Returns:
            The person, or None who may not come in.

        Example:
            >>> People({"a@b.org": "reviewer"}).find("A@b.org").role
            'reviewer'
        """
        name = address.strip().lower()
        role = self.roles.get(name, self.others)
        return Person(name, role) if name and role and verified is not False else None


def read_people(path: Path) -> People:
    r"""Read who may sign in.

    Args:
        path: TOML with `schema_version = 1`, lists `reader`, `reviewer` and `admin` of addresses, and optionally
            `others` (a role for everybody else) and `hosts`.

    Returns:
        The people.

    Raises:
        SpecError: E_SPEC, E_SPEC_UNKNOWN_KEY or E_SPEC_FORMAT; never with an address.

    Example:
        >>> example = getfixture("tmp_path") / "people.toml"
        >>> _ = example.write_text('schema_version = 1\nreader = ["a@b.org"]\nadmin = ["c@b.org"]')
        >>> read_people(example).find("c@b.org").oversees
        True
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SpecError("E_SPEC_FORMAT", f"the people file cannot be read ({fault.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SpecError("E_SPEC_FORMAT", "the people file must be TOML, it cannot be read as such") from None
    unknown = [name for name in told if name not in KEYS]
    if unknown:
        raise SpecError("E_SPEC_UNKNOWN_KEY", f"the people file may have {', '.join(KEYS)}, got {len(unknown)} others")
    if told.get("schema_version") != 1:
        raise SpecError("E_SPEC", f"schema_version must be 1, got {told.get('schema_version')!r}")
    others = told.get("others", "")
    if others not in ("", *ROLES):
        raise SpecError("E_SPEC", f"others must be one of {ROLES} or empty, got {others!r}")
    return People(_roles(told), others, tuple(_texts(told, "hosts")))


def _roles(told: Mapping[str, Any]) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for role in ROLES:
        for address in _texts(told, role):
            if "@" not in address:
                raise SpecError("E_SPEC", f"{role} must list e-mail addresses, got an entry without @")
            if address in found:
                raise SpecError("E_SPEC", f"an address must stand in one list, got one in {found[address]} and {role}")
            found[address] = role
    if not found and not told.get("others"):
        raise SpecError("E_SPEC", "the people file must name somebody, got no address and no role for others")
    return found


def _texts(told: Mapping[str, Any], name: str) -> list[str]:
    listed = told.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(one, str) and one.strip() for one in listed):
        raise SpecError("E_SPEC", f"{name} must be a list of texts, got {type(listed).__name__}")
    return [one.strip().lower() for one in listed]
