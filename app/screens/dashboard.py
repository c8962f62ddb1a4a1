"""Ledgers and readings -> how much, how often flagged, how readers agree, whether anything moved. For overseers."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from app import state
from app.components.page import always_say, plain
from medres.errors import MedresError
from medres.evaluation.estimate import Estimate
from medres.review.overview import Overview, first_reading_agreement, reader_model_agreement

WINDOWS = {"All days": None, "30 days": 30, "7 days": 7}
KINDS = ["positive", "indeterminate", "negative", "out_of_scope", "failed"]
COLOURS = ("#e4572e", "#f2a65a", "#5b8db8", "#8d99a6", "#4d5761")


def draw() -> None:
    """Draw one block for each model, then the readers and the trail."""
    try:
        if state.worklist() is None:
            st.info("No folder is open: there is nothing to count. Start with `medres view FOLDER`.")
        else:
            _draw_models()
            _draw_readers()
    except MedresError as fault:
        st.error(plain(str(fault)))
    always_say(state.model_line())


def _draw_models() -> None:
    chosen = st.segmented_control("Days on which scans were scored", list(WINDOWS), default="All days")
    found = state.overviews(WINDOWS[chosen or "All days"])
    if not found:
        st.info("No model has scored these scans.")
    for digest, (name, seen) in found.items():
        with st.container(border=True):
            st.markdown(f"**{plain(name)}**")
            _draw_alerts(seen)
            _draw_numbers(digest, seen)
            _draw_days(seen)


def _draw_alerts(seen: Overview) -> None:
    drift, flags = seen.score_drift, seen.flag_drift
    if drift is None:
        st.caption("Drift of scores: not checked, the model is not here or brings no validation scores.")
    elif drift.psi is None:
        st.caption(f"Drift of scores: not checked, {plain(drift.reason)}.")
    else:
        words = (
            f"Scores against validation: PSI {drift.psi:.2f} (chance gives up to {drift.psi_by_chance:.2f}), "
            f"median {drift.median_new:.3f} against {drift.median_reference:.3f}"
        )
        if drift.alert:
            st.warning(f"Drift alert. {words}. Look at the scans before you trust new scores.")
        else:
            st.caption(f"{words}: no alert.")
    if flags is not None and flags.alert:
        st.warning(f"Drift alert. Flag rate of the last 7 days {_words(flags.new)}, before {_words(flags.reference)}.")


def _draw_numbers(digest: str, seen: Overview) -> None:
    agreed, undecided = reader_model_agreement(state.all_readers(), digest)
    left = f"{undecided} undecided left out" if undecided else ""
    cells = [
        ("Scans", str(seen.scans), ""),
        ("Flagged positive", *_percent(seen.flag_rate)),
        ("Out of scope", *_percent(seen.out_of_scope)),
        ("Refused or failed", *_percent(seen.failed)),
        ("Readers and model, kappa", *_number(agreed, left)),
    ]
    for column, (name, value, below) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(name, value)
        if below:
            column.caption(plain(below))


def _draw_days(seen: Overview) -> None:
    table = pd.DataFrame(
        [{"day": one.day or "unknown", **{kind: getattr(one, kind) for kind in KINDS}} for one in seen.days]
    )
    if len(table):
        names = {kind: kind.replace("_", " ") for kind in KINDS}
        st.bar_chart(
            table.rename(columns=names), x="day", y=list(names.values()), x_label="scored on (UTC)", y_label="scans",
            color=[*COLOURS], height=320,
        )  # fmt: skip


def _draw_readers() -> None:
    with st.container(border=True):
        st.markdown("**Readers**")
        found = state.agreement()
        if found is None:
            st.caption("No study has a final reading.")
        else:
            _draw_agreement(found)
        try:
            head = state.trail_head()
        except MedresError as fault:
            st.error(plain(str(fault)))
            return
        entries = "1 entry" if head.count == 1 else f"{head.count} entries"
        st.caption(f"Audit trail: {entries}, none changed, removed or cut off. Keep its head elsewhere:")
        st.code(str(head), language=None, wrap_lines=True)


def _draw_agreement(found: dict[str, object]) -> None:
    readers: dict[str, dict] = found["readers"]  # type: ignore[assignment]
    rows = [
        {
            "Reader": name,
            "Final readings": one["final_readings"],
            "Agreed with the model": f"{one['with_the_model']['agreed']} of {one['with_the_model']['n']}",
            "Kappa with the model": _kappa(one["with_the_model"]["kappa"]),
            "Changed after it was shown": one["changed_after_the_model_was_shown"],
            "Median seconds": float(pd.Series(one["seconds"]).median()),
        }
        for name, one in readers.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    between = first_reading_agreement(state.all_readers())
    value, below = _number(between, "")
    st.caption(plain(f"First readings of two readers of one study: kappa {value} {below}"))
    st.download_button(
        "Agreement report (JSON)", json.dumps(found, indent=2), "agreement.json", "application/json", on_click="ignore"
    )


def _kappa(told: dict) -> str:
    return _words(Estimate(**{name: told[name] for name in ("value", "lower", "upper", "reason")}))


def _percent(one: Estimate) -> tuple[str, str]:
    if one.value is None:
        return "–", one.reason
    return f"{one.value:.0%}", f"{one.lower:.0%} to {one.upper:.0%}, {one.x} of {one.n}"


def _number(one: Estimate, more: str) -> tuple[str, str]:
    if one.value is None:
        return "–", "; ".join(filter(None, (one.reason, more)))
    ends = f"{one.lower:.2f} to {one.upper:.2f}, " if one.lower is not None and one.upper is not None else ""
    return f"{one.value:.2f}", "; ".join(filter(None, (f"{ends}n {one.n}", more)))


def _words(one: Estimate) -> str:
    if one.value is None:
        return one.reason
    return f"{one.value:.2f}" + (f" ({one.lower:.2f} to {one.upper:.2f})" if one.lower is not None else "")
