"""Who reads in this session, and what that person may see.

Knows roles; knows no study. Without a people file there is one local reader, who may do everything.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.settings import settings
from medres.review.people import LOCAL, People, Person, read_people


def needs_login() -> bool:
    """Tell whether readers sign in."""
    return settings().people is not None


def is_signed_in() -> bool:
    """Tell whether somebody signed in, known here or not."""
    return bool(st.user.get("is_logged_in"))


def person() -> Person | None:
    """Tell who reads: the signed-in person, None who may not come in, or the local reader where nobody signs in.

    Raises:
        SpecError: when the people file cannot be read.
    """
    place = settings().people
    if place is None:
        return LOCAL
    if not is_signed_in():
        return None
    verified = st.user.get("email_verified")
    return _people(place, place.stat().st_mtime_ns).find(
        str(st.user.get("email") or ""), verified=verified if isinstance(verified, bool) else None
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _people(place: Path, stamp: int) -> People:
    return read_people(place)


def reader() -> str:
    """Name who reads, as the trail keeps it."""
    known = person()
    return known.name if known is not None else ""
