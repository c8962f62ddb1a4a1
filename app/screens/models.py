"""The worklist's models -> their cards: what each is for and not for, operating points, plots, evaluations."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.components.page import always_say, plain
from app.screens.data import draw_numbers
from medres.errors import MedresError
from medres.models.trained_model import CARD, TrainedModel
from medres.results.disclaimer import PHANTOM
from medres.results.standing import validation_scores

BINS = 20
HISTORY = "history.csv"


def draw() -> None:
    """Draw the card of a model, or say that there is none."""
    try:
        known = state.loaded_models()
    except MedresError as fault:
        st.error(plain(str(fault)))
        return
    if not known:
        st.info("No model is here. Start with a results folder, or with `medres view FOLDER --model MODEL`.")
        return
    names = list(known)
    chosen = st.segmented_control("Model", names, default=names[0]) if len(names) > 1 else names[0]
    model = known[chosen or names[0]].model
    spec = model.spec
    st.subheader(plain(f"{spec.name} {spec.version}"))
    if spec.synthetic:
        st.warning(PHANTOM)
    _facts(model)
    _points(model)
    _validation(model)
    _history(model)
    _evaluations(model)
    _card(model)
    always_say(f"{spec.name} {spec.version}")


def _facts(model: TrainedModel) -> None:
    spec = model.spec
    facts = {
        "Modality": spec.modality,
        "Intended use": spec.intended_use,
        "Not for": spec.not_for,
        "Labels": ", ".join(spec.label_names) + f" (positive: {spec.positive_label})",
        "Network": network_words(model),
        "Licence": spec.licence,
    }
    for name, value in facts.items():
        st.markdown(f"**{name}:** {plain(value) or 'not stated'}")


def network_words(model: TrainedModel) -> str:
    """Name the network; of an ensemble those of its members, such as "the mean of 3 members: 3 × resnet10, 3D"."""
    of = Counter(f"{one.spec.network.name}, {one.spec.network.spatial_dims}D" for one in model.members or (model,))
    if not model.members:
        return next(iter(of))
    return f"the mean of {len(model.members)} members: " + "; ".join(f"{count} × {name}" for name, count in of.items())


def _points(model: TrainedModel) -> None:
    st.markdown("**Operating points**")
    spec = model.spec
    rows = [
        {
            "Name": point.name + (" (default)" if point.name == spec.default_operating_point else ""),
            "Threshold": point.threshold,
            "Rule": point.rule,
            "Sensitivity on validation": point.sensitivity,
            "Specificity on validation": point.specificity,
            "Cases": f"{point.n} ({point.n_positive} positive)",
        }
        for point in spec.operating_points.values()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    if model.members:
        st.caption("Chosen on scores of one member each, while an answer is the mean of all members.")


def _validation(model: TrainedModel) -> None:
    """Draw how validation scores fall, by class, with the default threshold in words."""
    found = validation_scores(model)
    if found is None:
        return
    label = model.spec.positive_label
    counts = {f"with {label}": found[0], f"without {label}": found[1]}
    edges = np.linspace(0, 1, BINS + 1)
    table = pd.DataFrame({name: np.histogram(scores, edges)[0] for name, scores in counts.items()})
    table["score"] = [f"{lower:.2f}" for lower in edges[:-1]]
    st.markdown("**Scores of validation scans**")
    st.bar_chart(
        table, x="score", y=list(counts), stack=False, color=["#e4572e", "#5b8db8"], x_label="score, from", height=300,
        y_label="scans",
    )  # fmt: skip
    whose = "each scored by one member that it did not train" if model.members else "none of them trained the model"
    st.caption(f"{found[0].size} scans with {plain(label)} and {found[1].size} without; {whose}.")


def _history(model: TrainedModel) -> None:
    """Draw how loss and validation went while the model was trained."""
    if HISTORY not in model.spec.files:
        return
    table = pd.read_csv(io.BytesIO(model.read_file(HISTORY)))
    numbers = [name for name in table.columns if name != "epoch" and pd.api.types.is_numeric_dtype(table[name])]
    losses, others = [n for n in numbers if "loss" in n], [n for n in numbers if "auroc" in n]
    with st.expander("Training"):
        for names, words in ((losses, "loss, lower is better"), (others, "higher is better")):
            if names:
                st.line_chart(table[names], x_label="epoch", y_label=words, height=300)


def _evaluations(model: TrainedModel) -> None:
    """Draw the main numbers of evaluations of this very model."""
    for document in state.documents():
        if document.kind == "evaluation" and document.model_digest == model.digest:
            st.markdown(f"**Evaluation: {plain(document.title)}**")
            st.caption(plain("; ".join(f"{name.lower()} {value}" for name, value in document.facts.items() if value)))
            draw_numbers(document)


def _card(model: TrainedModel) -> None:
    if CARD in model.spec.files:
        with st.expander("Model card"):
            st.markdown(model.read_file(CARD).decode("utf-8"))  # Markdown without HTML; the policy loads no picture
