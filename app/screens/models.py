"""The worklist's model -> its card: what it is for, what it is not for, its operating points and numbers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import state
from app.components.page import always_say, plain
from medres.errors import MedresError
from medres.models.spec import TrainedModelSpec
from medres.models.trained_model import CARD, TrainedModel
from medres.results.disclaimer import PHANTOM


def draw() -> None:
    """Draw the model card, or say that there is no model."""
    try:
        loaded = state.classifier()
    except MedresError as fault:
        st.error(str(fault))
        return
    if loaded is None:
        st.info("No model is here. Start with a results folder, or with `medres view FOLDER --model MODEL`.")
        return
    spec = loaded.model.spec
    st.subheader(plain(f"{spec.name} {spec.version}"))
    if spec.synthetic:
        st.warning(PHANTOM)
    _facts(spec)
    _points(spec)
    _card(loaded.model)
    always_say(f"{spec.name} {spec.version}")


def _facts(spec: TrainedModelSpec) -> None:
    facts = {
        "Modality": spec.modality,
        "Intended use": spec.intended_use,
        "Not for": spec.not_for,
        "Labels": ", ".join(spec.label_names) + f" (positive: {spec.positive_label})",
        "Network": f"{spec.network.name}, {spec.network.spatial_dims}D",
        "Licence": spec.licence,
    }
    for name, value in facts.items():
        st.markdown(f"**{name}:** {plain(value) or 'not stated'}")


def _points(spec: TrainedModelSpec) -> None:
    st.markdown("**Operating points**")
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


def _card(model: TrainedModel) -> None:
    if CARD in model.spec.files:
        with st.expander("Model card"):
            st.text(model.read_file(CARD).decode("utf-8"))
