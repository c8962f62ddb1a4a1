"""Opinion + Heatmap -> the score card and the list of regions. Draws only."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.page import plain
from medres.explain.heatmap import Heatmap, Region
from medres.results.disclaimer import NO_REGION, PHANTOM
from medres.review.opinion import Opinion, warning_words

COLOURS = {"positive": "red", "negative": "green", "indeterminate": "orange"}
MOST_REGIONS = 8
LITTLE_SEEN = 0.9  # share of the scan below which the reader is told so in colour


def draw_opinion(said: Opinion | None, fault: str = "") -> None:
    """Draw what the model said, or why it said nothing."""
    with st.container(border=True):
        st.markdown("**The model's opinion**")
        if fault:
            st.warning(plain(fault))
        elif said is None:
            st.write("No model has scored this study. Start with `medres view FOLDER --model MODEL`.")
        elif said.probability is None:
            _no_answer(said)
        else:
            _answer(said)


def _no_answer(said: Opinion) -> None:
    st.badge("Out of scope" if said.decision == "out_of_scope" else "No answer", color="orange")
    st.write(plain(said.reason) or "The model gives no probability for this scan.")
    st.caption("No probability is given. The scan itself can be read as usual.")
    st.caption(plain(said.model))


def _answer(said: Opinion) -> None:
    assert said.probability is not None  # only an answer comes here
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    left.metric(f"Probability of {plain(said.positive_label)}", f"{said.probability:.3f}")
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
    st.caption(plain(said.model))


def _standing(said: Opinion) -> None:
    """Say where the score falls among the validation scores of each class."""
    found = state.standing(said)
    if found is None or found.negatives_below is None or found.positives_below is None:
        return
    st.caption(
        f"Among validation scans it is above {found.negatives_below} of {found.n_negative} without "
        f"{plain(said.positive_label)} and {found.positives_below} of {found.n_positive} with it."
    )


def draw_report(opened: state.OpenStudy) -> None:
    """Offer the report as one HTML page; it is made when it is asked for."""
    st.download_button(
        "Report (HTML)",
        lambda: state.report_page(opened),
        file_name="medres-report.html",
        mime="text/html",
        width="stretch",
        on_click="ignore",
    )


def draw_warnings(opened: state.OpenStudy, said: Opinion | None) -> None:
    """Draw the warnings of intake and model, in words."""
    codes = tuple(dict.fromkeys((*opened.volume.codes, *opened.item.warnings, *(said.warnings if said else ()))))
    if not codes:
        return
    with st.container(border=True):
        st.markdown("**Warnings**")
        for words in warning_words(codes):
            st.caption(plain(words))


def draw_regions(explained: Heatmap) -> None:
    """List the heatmap's regions, each with a way to it."""
    with st.container(border=True):
        st.markdown("**Regions of the heatmap**")
        found = explained.regions()
        if not found:
            st.caption(NO_REGION)
        for number, region in enumerate(found[:MOST_REGIONS], start=1):
            _region(number, region, explained)
        st.caption(_trust(explained))


def _region(number: int, region: Region, explained: Heatmap) -> None:
    size = f"{region.volume_mm3 / 1000:.1f} ml, " if explained.spacing_known else ""
    words, button = st.columns([2.2, 1], vertical_alignment="center")
    words.caption(f"{number}: {size}maximum {region.maximum:.3g}")
    if button.button("Go to", key=f"region-{number}", width="stretch"):
        state.go_to(region.maximum_mm)
        st.rerun()


def _trust(explained: Heatmap) -> str:
    if explained.scorecard is None:
        return "This heatmap has not been tested: it shows where the network looked, not where disease is."
    if explained.scorecard.get("passed"):
        return ":green[This model's heatmaps passed their tests on validation scans.]"
    return f":orange[This model's heatmaps failed their tests: {plain(str(explained.scorecard.get('reason', '')))}]"
