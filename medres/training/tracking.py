"""A training -> MLflow's store, where MLflow is installed: its experiment, each epoch's numbers, the model's papers.

A store that cannot be reached or written never ends a training: it is told once, and nothing more is sent. Weights,
scans and lists of patients are not sent. Knows no network.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from medres.io.atomic import atomic_writer
from medres.training.spec import ExperimentSpec

STORE, RUN_FILE, ARTEFACTS = "mlflow.db", "mlflow_run", "mlflow"
PLACE = "MLFLOW_TRACKING_URI"  # MLflow's own variable: a store that the user has chosen
DATABASE = ("sqlalchemy", "alembic")  # what MLflow's own database needs; mlflow-skinny comes without
LONGEST = 500  # characters of a parameter that every version of MLflow takes
PAPERS = ("MODEL_CARD.md", "experiment.json", "history.csv", "trained_model.json")  # of a model: no scan, no patient
log = logging.getLogger(__name__)


class MlflowTracker(Logger):
    """Lightning's logger for MLflow that a failing store cannot hurt.

    Args:
        folder: of the run: the store lies there unless the user names one by `MLFLOW_TRACKING_URI`.
        experiment: its name and its parameters.
        resume: go on with the run of an earlier call.
    """

    def __init__(self, folder: Path, experiment: ExperimentSpec, *, resume: bool = False) -> None:
        super().__init__()
        self._folder, self._spec, self._resume = folder, experiment, resume
        self._client: Any = None
        self._run = ""
        self._works = True

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self._spec.name

    @property
    def version(self) -> str:
        """Of the run, as MLflow calls it."""
        return self._run

    @property
    def has_begun(self) -> bool:
        """Whether a run was begun in this folder, now or by an earlier call."""
        return (self._folder / RUN_FILE).is_file()

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """MLflow's client, None where there is none or it has failed; the run is begun at the first call."""
        if self._client is None and self._works:
            self._try(self._begin)
        return self._client if self._works else None

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """Send nothing: the experiment's keys were sent when the run began."""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Send numbers of an epoch; those that are not finite are left out."""
        if self.experiment is not None:
            finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
            self._try(
                lambda: [
                    self._client.log_metric(self._run, name, value, step=step or 0) for name, value in finite.items()
                ]
            )

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_papers(self, folder: Path) -> None:
        """Send what describes a finished model.

        Args:
            folder: of the TrainedModel.
        """
        if self.experiment is not None:
            self._try(lambda: _send(self._client, self._run, (folder / name for name in PAPERS)))

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """Close the run as finished or failed."""
        if self.experiment is not None:
            ended = "FINISHED" if status == "success" else "FAILED"
            self._try(lambda: self._client.set_terminated(self._run, ended))

    def _try(self, send: Callable[[], object]) -> None:
        """Send; the first failure is told and is the last."""
        if not self._works:
            return
        try:
            send()
        except Exception as fault:  # whatever a store does, the training goes on
            self._works = False
            log.warning("MLflow failed (%s): the training goes on without it", type(fault).__name__)

    def _begin(self) -> None:
        """Find or make experiment and run, and send the experiment's keys."""
        from mlflow.tracking import MlflowClient  # optional package

        self._folder.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(tracking_uri=os.environ.get(PLACE) or own_store(self._folder))
        known = self._folder / RUN_FILE
        if self._resume and known.is_file():
            self._run = client.get_run(known.read_text().strip()).info.run_id
        else:
            self._run = client.create_run(self._find_experiment(client)).info.run_id
            with atomic_writer(known) as stream:
                stream.write(self._run.encode())
            for name, value in flatten(self._spec.model_dump(mode="json")):
                client.log_param(self._run, name, value)
        self._client = client

    def _find_experiment(self, client: Any) -> str:
        """Give MLflow's number of the experiment of this name."""
        found = client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        place = None if os.environ.get(PLACE) else (self._folder / ARTEFACTS).absolute().as_uri()
        return str(client.create_experiment(self.name, artifact_location=place))


def flatten(tree: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    """Name every value of nested tables.

    Args:
        tree: of an experiment.
        before: of the names.

    Example:
        >>> list(flatten({"training": {"epochs": 3}, "name": "x"}))
        [('training.epochs', '3'), ('name', 'x')]
    """
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value)[:LONGEST]


def find_mlflow(folder: Path, experiment: ExperimentSpec, *, resume: bool = False) -> MlflowTracker | None:
    """Give MLflow's logger where MLflow is installed; of mlflow-skinny, where the user names a store.

    Args:
        folder: of the run.
        experiment: that is trained.
        resume: go on with the run of an earlier call.
    """
    needed = ("mlflow",) if os.environ.get(PLACE) else ("mlflow", *DATABASE)
    if any(importlib.util.find_spec(name) is None for name in needed):
        return None
    return MlflowTracker(folder, experiment, resume=resume)


def own_store(folder: Path) -> str:
    """Name the store in a run's folder.

    Args:
        folder: of the run.

    Example:
        >>> own_store(Path("/runs/a"))
        'sqlite:////runs/a/mlflow.db'
    """
    return f"sqlite:///{(folder / STORE).absolute()}"


def _send(client: Any, run: str, files: Iterable[Path]) -> None:
    for file in files:
        if file.is_file():
            client.log_artifact(run, str(file))
