"""What must stand on every page and in every picture that leaves medres -> the words, and a stamp.

Knows no scan; every file in `results/`, the app and the command line take their words from here.
"""

from __future__ import annotations

from dataclasses import dataclass

DISCLAIMER = "Research use only. Not a medical device; not for diagnosis or treatment decisions."
NO_REGION = "No region above threshold: this does not exclude disease."
PHANTOM = "Trained on synthetic phantoms: for demonstration only."


@dataclass(frozen=True)
class Stamp:
    """Who made a picture: burned in beside the disclaimer.

    Attributes:
        model_name, model_version: of the TrainedModel; "" where no model took part.
        date: day the picture was made, such as "2026-01-31"; never a date of the study.
    """

    model_name: str = ""
    model_version: str = ""
    date: str = ""

    @property
    def line(self) -> str:
        """One line such as "nodule-demo 1.0 · 2026-01-31"."""
        model = " ".join(filter(None, (self.model_name, self.model_version)))
        return " · ".join(filter(None, (model, self.date)))
