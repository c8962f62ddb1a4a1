"""`medres compare-networks`: one experiment, several networks, the same folds -> what each costs and what it gives."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from medres.datasets.files import write_atomically
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.datasets.split import Split, build_split
from medres.datasets.split_file import read_split, write_split
from medres.errors import TrainingError
from medres.evaluation.comparison import shared_level
from medres.evaluation.estimate import to_fields
from medres.evaluation.folds import measure_auroc
from medres.evaluation.selection import compare_tables
from medres.models.cost import NetworkCost, measure_cost
from medres.models.registry import build_network, check_input_size, find_entry
from medres.models.spec import shown_size
from medres.results.disclaimer import DISCLAIMER, Stamp
from medres.results.network_comparison import COLUMNS, ComparedNetwork, comparison_rows, cost_plot, verdict
from medres.results.writing import write_bytes
from medres.training.memory import measure_need
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import read_experiment
from pipelines import console
from pipelines.folds import train_folds
from pipelines.select import Common, FoldRun, align, read_runs
from pipelines.train import check_folds
from pipelines.training import Task, refuse_leaking

TABLE, PLOT, FACTS, PAGE, SPLIT = "comparison.csv", "comparison.png", "comparison.json", "comparison.md", "folds.json"
FOLDS = 5
ABOUT = (
    "Out-of-fold AUROC of {scans} scans{left}, each scored by models that never saw its patient, 95 % intervals by "
    "patient. Differences are paired; their {level:.3g} % intervals hold together with 95 % (Bonferroni, "
    "{comparisons} comparison(s)); p in the table is of each alone. They tell of other patients, not of another seed: "
    "each network was trained once on each fold. GFLOPs count one forward pass of one scan or view (a multiply-add is "
    "two); its latency, the fastest of ten batches of one, is in fp32 on {device}, {threads} thread(s); memory is an "
    "estimate for the tensors of one training step of {batch}."
)


@dataclass(frozen=True)
class Wanted:
    """One network to compare.

    Attributes:
        name: as the user wrote it.
        experiment: the experiment with this network.
        cost: of one forward pass.
        memory_bytes: of one training step.
    """

    name: str
    experiment: ExperimentSpec
    cost: NetworkCost
    memory_bytes: int


def run(
    manifest: Path,
    networks: str,
    config: Path,
    out: Path,
    split: Path | None = None,
    device: str = "cpu",
    accept_leak: list[str] | None = None,
) -> int:
    """Train every network on the same folds, compare AUROC with cost; resumable, finished folds are skipped."""
    experiment = read_experiment(config)
    if experiment.weights is not None:
        told = "networks are compared from freshly drawn weights, got an experiment with starting weights"
        raise TrainingError("E_USAGE", told, "remove `weights` from the experiment")
    wanted = [_wanted(experiment, name, changes, device) for name, changes in parse_names(networks).items()]
    wanted.sort(key=lambda one: one.cost.gflops)
    scans = read_manifest(manifest, labels=experiment.labels.known)
    accepted = accept_leak or []
    folds = check_folds(read_split(split, scans) if split else _own_split(scans, out / SPLIT), None)
    audit = refuse_leaking(scans, folds, accepted)
    for one in wanted:
        console.say(f"{one.name}: {one.cost.parameters / 1e6:.1f} M parameters, {one.cost.gflops:.3g} GFLOPs")
        train_folds(Task(one.experiment, scans, None, out / "cache", device, audit), folds, out / one.experiment.name)
    runs = read_runs([out / one.experiment.name for one in wanted])
    common = align(runs, runs[0].summary["labels"])
    write_comparison(out, compare(wanted, runs, common), experiment, common.left_out)
    return console.EXIT_OK


def parse_names(text: str) -> dict[str, dict[str, object]]:
    """Read a list of networks.

    Args:
        text: such as "resnet18,resnet50:0.5"; a number after a colon is the width.

    Returns:
        Name as written -> what it changes in the experiment's network.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) < 2 or len(set(names)) < len(names):
        raise TrainingError("E_USAGE", f"--networks must name at least two, each once, got {text!r}")
    return {name: _choice(name) for name in names}


def _choice(name: str) -> dict[str, object]:
    """Read one network's name and width."""
    known, _, width = name.partition(":")
    find_entry(known)
    if not width:
        return {"name": known}
    try:
        number = float(width)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise TrainingError("E_USAGE", f"a width after the colon must be a number above 0, got {width!r}")
    return {"name": known, "width": number}


def _wanted(experiment: ExperimentSpec, name: str, changes: dict[str, object], device: str) -> Wanted:
    """Put a network into the experiment, and measure what it costs."""
    values = experiment.model_dump()
    values["network"] = {**values["network"], **changes}
    values["name"] = f"{experiment.name}-{name.replace(':', '-')}"
    one = ExperimentSpec.model_validate(values)
    shape = (one.preprocessing.tensor_channels, *_size(one))
    check_input_size(one.network_spec, shape[1:])
    network = build_network(one.network_spec, one.training.seed)
    need = measure_need(network, shape, averaged=one.training.average_decay > 0)
    return Wanted(name, one, measure_cost(network, shape, device), need.total(one.training.batch_size))


def _size(experiment: ExperimentSpec) -> tuple[int, ...]:
    """Give the shape of what the network is shown at once."""
    size = shown_size(experiment.preprocessing)
    if size is None:
        told = "networks are compared on inputs of one size, got [preprocessing] without `size`"
        raise TrainingError("E_USAGE", told, "name size in [preprocessing]")
    return size if experiment.preprocessing.spatial_dims == 3 else (size[1], size[0])  # (rows, columns)


def _own_split(scans: Manifest, path: Path) -> Split:
    """Make five folds by patient, once; a later run takes the same."""
    if path.is_file():
        return read_split(path, scans)
    made = build_split(scans, folds=FOLDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_split(made, path)
    console.say(f"split     {path} ({FOLDS} folds by patient, seed {made.seed})")
    return made


def compare(wanted: Sequence[Wanted], runs: Sequence[FoldRun], common: Common) -> list[ComparedNetwork]:
    """Put cost, AUROC and the paired difference to the cheapest together.

    Args:
        wanted: from the cheapest on.
        runs: their folds, in the same order.
        common: scans that every network scored.

    Returns:
        One row for each network.
    """
    truth, patients = [row.label for row in common.rows], [row.patient for row in common.rows]
    names, positive = tuple(runs[0].summary["labels"]), str(runs[0].summary["positive"])
    level, found = shared_level(len(wanted) - 1), []
    for place, (one, fold_run) in enumerate(zip(wanted, runs, strict=True)):
        table = common.probabilities[place]
        pair = (truth, table, common.probabilities[0], names, positive, patients)
        found.append(
            ComparedNetwork(
                name=one.name,
                cost=one.cost,
                memory_bytes=one.memory_bytes,
                seconds=sum(float(model["seconds"] or 0.0) for model in fold_run.summary["models"]),
                auroc=measure_auroc(truth, table, names, positive, patients),
                difference=compare_tables(*pair, level=level) if place else None,
            )
        )
    return found


def write_comparison(
    out: Path, found: Sequence[ComparedNetwork], experiment: ExperimentSpec, left_out: int = 0
) -> None:
    """Write table, plot, facts and page; show the table and the answers."""
    rows, answers = comparison_rows(found), verdict(found)
    stamp = Stamp(experiment.name, experiment.version, date.today().isoformat())
    write_atomically(out / TABLE, "\n".join(",".join(row) for row in [list(COLUMNS), *rows]) + "\n")
    write_bytes(out / PLOT, cost_plot(found, stamp), "the plot")
    facts = {
        "experiment": experiment.name,
        "networks": [
            {
                "name": one.name,
                "cost": asdict(one.cost),
                "training_memory_bytes": one.memory_bytes,
                "training_seconds": one.seconds,
                "auroc": to_fields(one.auroc),
                "difference_to_first": None if one.difference is None else asdict(one.difference),
            }
            for one in found
        ],
        "left_out_not_scored_by_all": left_out,
        "answers": list(answers),
        "disclaimer": DISCLAIMER,
    }
    write_atomically(out / FACTS, json.dumps(facts, indent=2) + "\n")
    write_atomically(out / PAGE, page(experiment, found, rows, answers, left_out))
    shown = [[*row[:6], _interval(row[6:9]), _interval(row[9:12])] for row in rows]
    heads = ["network", "M par.", "GFLOPs", "MB", "ms", "min", "AUROC (95 %)", f"minus first ({_level(found)} %)"]
    console.table("networks on the same folds", heads, shown)
    for answer in answers:
        console.say(answer)
    console.say(f"table     {out / TABLE}, {PLOT}, {PAGE}")


def _interval(cells: Sequence[str]) -> str:
    """Join a value and its interval."""
    value, lower, upper = cells
    if not value:
        return "-"
    return f"{float(value):.3f} ({float(lower):.3f} to {float(upper):.3f})" if lower else f"{float(value):.3f}"


def _level(found: Sequence[ComparedNetwork]) -> str:
    """Say the level of the differences' intervals, in per cent."""
    return f"{100 * shared_level(len(found) - 1):.3g}"


def page(
    experiment: ExperimentSpec,
    found: Sequence[ComparedNetwork],
    rows: Sequence[Sequence[str]],
    answers: Sequence[str],
    left_out: int = 0,
) -> str:
    """Write the comparison as Markdown."""
    cost = found[0].cost
    heads = [
        "network",
        "parameters (M)",
        "GFLOPs",
        "memory (MB)",
        "latency (ms)",
        "training (min)",
        "AUROC (95 %)",
        f"minus first ({_level(found)} %)",
    ]
    table = [heads, ["---"] * len(heads)]
    table += [[*row[:6], _interval(row[6:9]), _interval(row[9:12])] for row in rows]
    about = ABOUT.format(
        scans=found[0].auroc.n,
        left=f" ({left_out} more left out, which not every network scored)" if left_out else "",
        level=100 * shared_level(len(found) - 1),
        comparisons=len(found) - 1,
        device=cost.device,
        threads=cost.threads,
        batch=experiment.training.batch_size,
    )
    lines = [f"# {experiment.name}: does the deeper network pay?", "", *(f"- {answer}" for answer in answers), ""]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([*lines, "", about, "", DISCLAIMER]) + "\n"
