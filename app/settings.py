"""The environment -> what the viewer was started with. Knows no page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE, MODEL_VARIABLE = "MEDRES_VIEW_FOLDER", "MEDRES_VIEW_MODEL"
OPINION_VARIABLE, REVIEW_VARIABLE = "MEDRES_VIEW_OPINION", "MEDRES_REVIEW_URL"


@dataclass(frozen=True)
class Settings:
    """What the viewer was started with.

    Attributes:
        folder: results or scans, or None.
        model: a TrainedModel folder, or None.
        opinion_hidden: whether the model's opinion waits for a first reading.
        review: URL of the review store, or "" for a file of its own.
    """

    folder: Path | None
    model: Path | None
    opinion_hidden: bool
    review: str


def settings() -> Settings:
    """Read what `medres view` handed over."""
    folder, model = os.environ.get(FOLDER_VARIABLE), os.environ.get(MODEL_VARIABLE)
    hidden = os.environ.get(OPINION_VARIABLE, "hidden") != "shown"
    review = os.environ.get(REVIEW_VARIABLE, "")
    return Settings(Path(folder) if folder else None, Path(model) if model else None, hidden, review)
