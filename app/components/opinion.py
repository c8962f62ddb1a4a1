"""Opinion + Heatmap -> the score card and the list of regions. Draws only."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.page import plain
from medres.errors import MedresError
from medres.explain.heatmap import Heatmap, Region
from medres.results.disclaimer import NO_REGION, PHANTOM
from medres.results.words import probability_words
from medres.review.opinion import Opinion, trust_words, warning_words
from medres.review.scene import place_in_scan, place_words

COLOURS = {"positive": "red", "negative": "green", "indeterminate": "orange"}
MOST_REGIONS = 8
NO_MODEL = "No heatmap: the model that gave this score is not here, or was changed since."
VERDICTS = {True: "passed", False: "failed", None: "not tested"}
LITTLE_SEEN = 0.9  # share of the scan below which the reader is told so in colour


def draw_opinions(said: Sequence[Opinion], fault: str = "") -> None:
    """Draw what each model said, or why none said anything."""
    with st.container(border=True):
        st.markdown("**The model's opinion**" if len(said) < 2 else f"**The opinions of {len(said)} models**")
        if fault:
            st.warning(plain(fault))
        elif not said:
            st.write("No model has scored this study. Start with `medres view FOLDER --model MODEL`.")
        for number, one in enumerate(said):
            if number:
                st.divider()
            if one.probability is None:
                _no_answer(one)
            else:
                _answer(one)


def _no_answer(said: Opinion) -> None:
    st.badge("Out of scope" if said.decision == "out_of_scope" else "No answer", color="orange")
    reason = said.reason[:1].upper() + said.reason[1:]
    st.write(plain(reason) or "The model gives no probability for this scan.")
    st.caption("No probability is given. The scan itself can be read as usual.")
    st.caption(plain(said.model))


def _answer(said: Opinion) -> None:
    assert said.probability is not None  # only an answer comes here
    left, right = st.columns([1.6, 1], vertical_alignment="center")
    left.metric(f"Probability of {plain(said.positive_label)}", probability_words(said.probability))
    right.badge(said.decision.capitalize(), color=COLOURS.get(said.decision, "gray"))  # type: ignore[arg-type]
    if said.threshold is not None:
        name = f" ({plain(said.operating_point)})" if said.operating_point else ""
        st.caption(f"Positive from {said.threshold:.3f} on: the operating point{name}, chosen on validation patients.")
    _standing(said)
    if said.coverage is not None:
        words = f"The network saw {said.coverage:.0%} of the scan."
        st.caption(f":orange[{words} What lies outside was not looked at.]" if said.coverage < LITTLE_SEEN else words)
    if said.synthetic:
        st.caption(f":orange[{PHANTOM}]")
    members = state.members_of(said)
    st.caption(plain(said.model) + (f", the mean of {members} members" if members else ""))
    if not _can_explain(said):
        st.caption(NO_MODEL)


def _can_explain(said: Opinion) -> bool:
    try:
        return bool(state.explainable((said,)))
    except MedresError:
        return True  # the page says below why the model cannot be used


def _standing(said: Opinion) -> None:
    """Say where the score falls among the validation scores of each class."""
    found = state.standing_of(said)
    if found is None or found.negatives_below is None or found.positives_below is None:
        return
    whose = " Those were scored by one member each." if state.members_of(said) else ""
    st.caption(
        f"Among validation scans it is above {found.negatives_below} of {found.n_negative} without "
        f"{plain(said.positive_label)} and {found.positives_below} of {found.n_positive} with it.{whose}"
    )


def draw_warnings(opened: state.OpenStudy, said: Sequence[Opinion]) -> None:
    """Draw the warnings of intake and models, in words."""
    told = [code for one in said for code in one.warnings]
    codes = tuple(dict.fromkeys((*opened.volume.codes, *opened.item.warnings, *told)))
    if not codes:
        return
    with st.container(border=True):
        st.markdown("**Warnings**")
        for words in warning_words(codes):
            st.caption(plain(words))


def draw_regions(opened: state.OpenStudy, explained: Heatmap, said: Opinion, *, alone: bool) -> None:
    """List the heatmap's regions, each with a way to it."""
    with st.container(border=True):
        st.markdown("**Regions of the heatmap**" if alone else f"**Regions of {plain(said.model)}**")
        found = explained.regions()
        if not found:
            st.caption(NO_REGION)
        for number, region in enumerate(found[:MOST_REGIONS], start=1):
            _region(f"{said.model_digest[:12]}-{number}", region, opened, explained)
        if len(found) > MOST_REGIONS:
            st.caption(f"and {len(found) - MOST_REGIONS} smaller ones")
        _trust(explained)


def _region(key: str, region: Region, opened: state.OpenStudy, explained: Heatmap) -> None:
    size = f"{region.volume_mm3 / 1000:.1f} ml, " if opened.volume.spacing_known else ""
    words, button = st.columns([2.2, 1], vertical_alignment="center")
    place = place_words(opened.volume, place_in_scan(explained, region.centroid_mm, opened.volume))
    words.caption(f"{key.rpartition('-')[2]}: {size}maximum {region.maximum:.3g}, about {place}")
    if button.button("Go to", key=f"region-{key}", width="stretch"):
        state.go_to(place_in_scan(explained, region.maximum_mm, opened.volume))
        st.rerun()


def _trust(explained: Heatmap) -> None:
    """Say whether the model's heatmaps passed their tests, and show what was tested."""
    card = explained.scorecard
    if card is None:
        st.badge("Not tested", color="gray")
        st.caption(trust_words(None))
        return
    passed = bool(card.get("passed"))
    st.badge("Passed its tests" if passed else "Failed its tests", color="green" if passed else "orange")
    words = plain(trust_words(card))
    st.caption(words if passed else f":orange[{words}]")
    with st.expander("Scorecard"):
        for name, part in card.items():
            if isinstance(part, dict) and "reason" in part:
                st.caption(f"{name.capitalize()}, {VERDICTS[part.get('passed')]}: {plain(str(part['reason']))}")
