"""The environment -> what the viewer was started with. Knows no page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

OpinionPolicy = Literal["hidden", "shown", "locked"]
FOLDER_VARIABLE, MODEL_VARIABLE = "MEDRES_VIEW_FOLDER", "MEDRES_VIEW_MODEL"
OPINION_VARIABLE, REVIEW_VARIABLE = "MEDRES_VIEW_OPINION", "MEDRES_REVIEW_URL"
PEOPLE_VARIABLE = "MEDRES_VIEW_PEOPLE"


@dataclass(frozen=True)
class Settings:
    """What the viewer was started with.

    Attributes:
        folders: results or scans; empty without any.
        model: a TrainedModel folder, or None.
        opinion: "hidden": the model's opinion waits for a first reading, unless the reader asks for it; "shown": it
            does not wait; "locked": it waits, nobody can ask for it, and the worklist's order tells nothing of it.
        review: URL of the review store, or "" for a file of its own.
        people: file that says who may sign in as what, or None for one local reader.
    """

    folders: tuple[Path, ...]
    model: Path | None
    opinion: OpinionPolicy
    review: str
    people: Path | None

    @property
    def opinion_hidden(self) -> bool:
        """Whether the model's opinion waits for a first reading."""
        return self.opinion != "shown"


def settings() -> Settings:
    """Read what `medres view` handed over."""
    folders, model = os.environ.get(FOLDER_VARIABLE, ""), os.environ.get(MODEL_VARIABLE)
    opinion = os.environ.get(OPINION_VARIABLE, "hidden")
    review, people = os.environ.get(REVIEW_VARIABLE, ""), os.environ.get(PEOPLE_VARIABLE)
    return Settings(
        tuple(Path(line) for line in folders.split("\n") if line),
        Path(model) if model else None,
        cast(OpinionPolicy, opinion if opinion in get_args(OpinionPolicy) else "hidden"),
        review,
        Path(people) if people else None,
    )
