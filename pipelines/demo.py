"""`medres demo`: the whole walk on synthetic patients, from making them to a report, each stage once.

A stage whose seed, size and configuration are the same as last time is not run again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import medres
from pipelines import console, demo_checks, evaluate, predict, score, split, train, view
from pipelines.console import say, table
from pipelines.demo_checks import Finding
from pipelines.phantoms.cohort import write_inbox, write_pictures, write_volumes

CONFIGS = Path(__file__).parent / "configs"
PICTURES_SEED, INBOX_SEED, SEED_STEP = 20_000, 40_000, 100_000  # patients of one part never stand in another
STAGES = "stages.json"


@dataclass(frozen=True)
class Plan:
    """How large a demo is.

    Attributes:
        volumes, pictures: patients of the 3D and of the 2D cohort.
        inbox: CT studies in the operator's folder.
        volume_config, picture_config: the experiments.
        bootstrap: resamples of the evaluation.
    """

    volumes: int = 480
    pictures: int = 480
    inbox: int = 8
    volume_config: Path = CONFIGS / "demo_ct.toml"
    picture_config: Path = CONFIGS / "demo_picture.toml"
    bootstrap: int = 500


FULL = Plan()


@dataclass(frozen=True)
class Place:
    """Where each thing of a demo lies."""

    out: Path

    @property
    def volumes(self) -> Path:
        """The 3D cohort: manifest.csv, truth.json, split.json and scans."""
        return self.out / "scans" / "volumes"

    @property
    def pictures(self) -> Path:
        """The 2D cohort."""
        return self.out / "scans" / "pictures"

    @property
    def inbox(self) -> Path:
        """What an operator scores."""
        return self.out / "scans" / "inbox"

    @property
    def ct(self) -> Path:
        """The 3D model and its evaluation."""
        return self.out / "ct"

    @property
    def picture(self) -> Path:
        """The 2D model and its evaluation."""
        return self.out / "picture"

    @property
    def scores(self) -> Path:
        """Results of the inbox."""
        return self.out / "scores"

    @property
    def report(self) -> Path:
        """One scan's result, heatmap and page."""
        return self.out / "report"


class Stages:
    """Remembers which stages were done, and with what."""

    def __init__(self, out: Path, seed: int, plan: Plan) -> None:
        self.path = out / STAGES
        contents = [plan.volume_config.read_bytes(), plan.picture_config.read_bytes(), medres.__version__.encode()]
        key = json.dumps([seed, asdict(plan)], default=str).encode()
        self.key = hashlib.sha256(b"\0".join([key, *contents])).hexdigest()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.done: list[str] = known.get("done", []) if known.get("key") == self.key else []
        self.is_new = not self.done

    def run(self, name: str, work: Callable[[], object]) -> None:
        """Do a stage, or say that it was done before."""
        if name in self.done:
            say(f"== {name}: done before")
            return
        say(f"== {name}")
        start = time.monotonic()
        work()
        self.done.append(name)
        self.path.write_text(json.dumps({"key": self.key, "done": self.done}))
        say(f"   {time.monotonic() - start:.0f} s")


def run(out: Path, seed: int = 0, viewer: bool = True, plan: Plan = FULL) -> int:
    """Walk the whole way, compare what came out with what is expected, open the viewer."""
    start = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    place, stages = Place(out), Stages(out, seed, plan)
    _make_patients(place, stages, seed, plan)
    _train_and_evaluate(place, stages, plan)
    _use(place, stages)
    findings = demo_checks.check(place, stages.run)
    _conclude(place, findings, time.monotonic() - start)
    if viewer:
        view.run(folders=[place.scores], model=None, port=8501, browser=True)
    return console.EXIT_OK if all(finding.holds for finding in findings) else console.EXIT_FATAL


def _make_patients(place: Place, stages: Stages, seed: int, plan: Plan) -> None:
    """Write the cohorts and the inbox, and split the cohorts by patient."""
    first = seed * SEED_STEP

    def volumes() -> None:
        with console.progress("CT volumes") as advance:
            write_volumes(place.volumes, plan.volumes, first, advance)

    def pictures() -> None:
        with console.progress("pictures") as advance:
            write_pictures(place.pictures, plan.pictures, first + PICTURES_SEED, advance)

    stages.run("make synthetic CT patients (DICOM and NIfTI)", volumes)
    stages.run("make synthetic pictures (PNG)", pictures)
    stages.run("make an inbox", lambda: write_inbox(place.inbox, first + INBOX_SEED, plan.inbox))
    for cohort in (place.volumes, place.pictures):
        stages.run(
            f"split {cohort.name} by patient",
            lambda cohort=cohort: split.run(cohort / "manifest.csv", cohort / "split.json", seed=seed),  # type: ignore[misc]
        )


def _train_and_evaluate(place: Place, stages: Stages, plan: Plan) -> None:
    """Train both models and evaluate them on patients they have never seen."""
    pairs = (
        ("3D", place.ct, place.volumes, plan.volume_config),
        ("2D", place.picture, place.pictures, plan.picture_config),
    )
    for name, out, cohort, config in pairs:
        manifest, parts = cohort / "manifest.csv", cohort / "split.json"
        resume = (out / "checkpoints").exists()
        stages.run(
            f"train the {name} ResNet",
            lambda c=config, m=manifest, p=parts, o=out, r=resume: train.run(c, m, p, o, resume=r),  # type: ignore[misc]
        )
        stages.run(
            f"evaluate the {name} ResNet on held-out patients",
            lambda m=manifest, p=parts, o=out: evaluate.run(  # type: ignore[misc]
                out=o / "evaluation", model=o / "model", manifest=m, split=p, bootstrap=plan.bootstrap
            ),
        )


def _use(place: Place, stages: Stages) -> None:
    """Score the inbox, then make one scan's heatmap and report."""
    model = place.ct / "model"
    stages.run("score the inbox", lambda: score.run(folder=place.inbox, model=model, out=place.scores))
    scan = place.inbox / "ct00"
    stages.run(
        "explain and report one study",
        lambda: predict.run(model=model, path=scan, explain=True, out=place.report),
    )


def _conclude(place: Place, findings: list[Finding], seconds: float) -> None:
    """Print what came out beside what is expected, and where it lies."""
    rows = [[f.what, f.found, f.expected, "yes" if f.holds else "NO", f.where] for f in findings]
    table("What came out", ["", "found", "expected", "holds", "where"], rows)
    say(f"{seconds:.0f} s in all. Research use only: the models know synthetic phantoms and nothing else.")
    say(f"Look at it: medres view {place.scores}")
