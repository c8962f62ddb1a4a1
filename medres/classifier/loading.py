"""A TrainedModel folder -> a Classifier ready to answer.

Knows folders and engines; knows no scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medres.classifier.classifier import Classifier
from medres.engines.build import build_engine
from medres.models.trained_model import load_trained_model


def load_classifier(
    folder: Path | str,
    *,
    engine: str = "torch",
    device: str = "cpu",
    precision: str = "fp32",
    operating_point: str | None = None,
    intake: Mapping[str, str] | None = None,
    verify: bool = False,
) -> Classifier:
    """Load a TrainedModel folder, ready to answer.

    Args:
        folder: with `trained_model.json`.
        engine: "torch" or "openvino".
        device: "cpu", "cuda" or "cuda:0".
        precision: "fp32" or "bf16".
        operating_point: name of the one that decides; None takes the model's default.
        intake: choices made at reading that change a result; they enter the configuration digest.
        verify: also run the golden phantom.

    Returns:
        The classifier.

    Raises:
        ModelError: when the folder is damaged, the engine or device is not there, or the golden probability differs.
    """
    model = load_trained_model(Path(folder))
    classifier = Classifier(
        model, build_engine(model, engine, device, precision), operating_point=operating_point, intake=intake
    )
    if verify:
        classifier.verify()
    return classifier
