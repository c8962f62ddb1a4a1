"""This session's upload + a model -> its scores, made behind the page; how far they are.

Knows no widget: a page asks as often as it likes.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from app.state.folders import uploaded
from medres.errors import MedresError, StoreError
from medres.scoring.batch import BatchSummary, ScoringOptions, score_folder


@dataclass
class ScoringJob:
    """Scores on their way.

    Attributes:
        model: its name.
        done, total: series; total is 0 until they are counted.
        summary: when all are done, or None.
        fault: why they could not be made, or "".
    """

    model: str = "no model"
    done: int = 0
    total: int = 0
    summary: BatchSummary | None = None
    fault: str = ""
    _began: float = field(default_factory=time.monotonic)
    _first: float | None = None

    @property
    def running(self) -> bool:
        """Whether there is more to wait for."""
        return self.summary is None and not self.fault

    @property
    def seconds_left(self) -> float | None:
        """What the series so far let expect, or None before the first is done."""
        if self._first is None or not self.done:
            return None
        return (time.monotonic() - self._first) / self.done * (self.total - self.done)

    def advance(self, done: int, total: int, _note: str) -> None:
        """Take progress from the scorer."""
        self._first = self._first or time.monotonic()
        self.done, self.total = done, total


def start_scoring(name: str, model: Path) -> ScoringJob:
    """Score this session's upload behind the page.

    Args:
        name: of the model.
        model: a TrainedModel folder.
    """
    upload = uploaded()
    assert upload is not None  # offered only beside an upload
    job = ScoringJob(name)
    given = (job, upload.scans, model, upload.results, ScoringOptions(modality=upload.modality))
    threading.Thread(target=_score, args=given, daemon=True).start()
    st.session_state["job"] = job
    return job


def scoring_job() -> ScoringJob | None:
    """Give this session's scores on their way, or the last ones; None where there are none."""
    return st.session_state.get("job")


def _score(job: ScoringJob, scans: Path, model: Path, results: Path, options: ScoringOptions) -> None:
    try:
        job.summary = score_folder(scans, model, results, options, on_progress=job.advance)
    except MedresError as fault:
        job.fault = str(fault)
    except Exception as fault:  # its text may quote a header: only its kind is told
        job.fault = str(StoreError("E_INTERNAL", f"scoring must end with a count, got {type(fault).__name__}"))
