"""`medres plan`: a manifest -> plan.json and an experiment's TOML, each choice with its reason, and its time."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from medres.datasets.files import write_atomically
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest
from medres.errors import TrainingError
from medres.models.registry import build_network
from medres.preprocessing.spec import PatchesView
from medres.training.fingerprint import SAMPLE, Fingerprint, take_fingerprint
from medres.training.memory import MemoryNeed, fitting_batch, free_memory, measure_need
from medres.training.plan import Plan, make_plan
from medres.training.plan_toml import write_toml
from medres.training.precision import Computation, choose_computation, find_device, time_step
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import parse_experiment
from pipelines import console

PLAN, EXPERIMENT = "plan.json", "experiment.toml"
AROUND = 1.4  # augmentation, validation and the optimiser beside the network's own passes
LEARNT = {0: 0.6, 3: 1 / 3, 5: 0.6}  # share of the scans that is learnt from, by folds
BATCH_2D, BATCH_3D = 32, 16
STEPS = 8  # that all scans should make at least


def run(
    manifest: Path,
    out: Path,
    positive: str | None = None,
    rest: bool = False,
    name: str | None = None,
    sample: int = SAMPLE,
    device: str = "cpu",
) -> int:
    """Measure the scans, plan, time one step, write both files, say what was chosen."""
    if (out / EXPERIMENT).exists():  # somebody may have edited it
        told = f"the output folder must be free, got one with {EXPERIMENT}"
        raise TrainingError("E_TRAIN_OUT", told, "choose another --out")
    scans = read_manifest(manifest)
    chosen, groups = choose_labels(scans, positive, rest)
    with console.progress("fingerprint") as advance:
        found = take_fingerprint(scans, sample=sample, on_progress=lambda done, total: advance(done, total))
    plan = make_plan(found, chosen, groups, name or f"{found.modality.lower()}-{chosen}".replace(" ", "-"))
    plan, machine = fit_to_machine(plan, found, device)
    head = (
        f"Made by medres plan for {found.scans} scans of {found.patients} patients. Edit what you know better; "
        f"{EXPERIMENT} is all that medres train reads. {_time(machine)}"
    )
    text = write_toml(plan, head)
    parse_experiment(text)  # what is written is accepted
    content = {
        "manifest_digest": scans.digest,
        "fingerprint": asdict(found),
        "choices": [asdict(one) for one in plan.choices],
        "folds": {"count": plan.folds, "reason": plan.folds_reason},
        "machine": machine,
    }
    write_atomically(out / PLAN, json.dumps(content, indent=2) + "\n")
    write_atomically(out / EXPERIMENT, text)
    _say(plan, found, machine, out, manifest)
    return console.EXIT_OK


def choose_labels(scans: Manifest, positive: str | None, rest: bool) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Name the positive label and the groups; it is never guessed.

    Raises:
        TrainingError: E_USAGE.
    """
    names = scans.label_names
    if positive not in names:
        told = f"--positive must be one of {', '.join(names)}, got {positive or 'none'}"
        raise TrainingError("E_USAGE", told, "name the label that decisions are about")
    others = tuple(name for name in names if name != positive)
    if rest and len(others) > 1:
        return positive, {f"not {positive}": others, positive: (positive,)}
    return positive, {name: (name,) for name in (*others, positive)}


def fit_to_machine(plan: Plan, found: Fingerprint, device: str) -> tuple[Plan, dict[str, Any]]:
    """Choose the batch for the memory at hand and time one step of it.

    Args:
        plan: without a batch.
        found: how many scans.
        device: to train on.

    Returns:
        (the plan with its batch, facts about machine, memory and time).
    """
    experiment = ExperimentSpec.model_validate(plan.to_dict())
    network, shape = build_network(experiment.network_spec), input_shape(experiment, found)
    place = find_device(device)
    need, free = measure_need(network, shape, averaged=True), free_memory(place)
    usual = BATCH_2D if experiment.preprocessing.spatial_dims == 2 else BATCH_3D
    few, fits = max(2, found.scans // STEPS), fitting_batch(need, free)
    batch = max(2, min(usual, fits, few))
    told = _why_batch(need, batch, free) + ("" if batch == usual else _why_smaller(usual, fits, few, found.scans))
    plan = plan.with_value("training", "batch_size", batch, told)
    how = choose_computation("auto", network, (batch, *shape), place)
    seconds = time_step(network, (batch, *shape), how) if place.type == "cpu" else 0.0
    return plan, _machine(plan, found, how, seconds, need.total(batch), free, device)


def input_shape(experiment: ExperimentSpec, found: Fingerprint) -> tuple[int, ...]:
    """Give (C, *spatial) of what the network is shown."""
    shown = experiment.preprocessing
    if isinstance(shown.views, PatchesView):
        return (shown.tensor_channels, *shown.views.size)
    size = shown.size or tuple(int(axis[1]) for axis in found.shape)
    return (shown.tensor_channels, *(reversed(size[:2]) if shown.spatial_dims == 2 else size))


def _why_batch(need: MemoryNeed, batch: int, free: int) -> str:
    return f"a step takes about {need.total(batch) / 1e9:.2g} GB of {free / 1e9:.3g} GB free"


def _why_smaller(usual: int, fits: int, few: int, scans: int) -> str:
    """Say what keeps a batch below the usual one: the memory, or too few scans for steps enough."""
    why = "no more fits" if fits < few else f"{scans} scans should make {STEPS} steps"
    return f"; {usual} would be usual, {why}"


def _machine(
    plan: Plan, found: Fingerprint, how: Computation, seconds: float, bytes_: int, free: int, device: str
) -> dict[str, Any]:
    """Say what was measured, and how long the whole will take."""
    views = plan.value("training", "views_per_scan") or 1
    learnt = LEARNT[plan.folds] * found.scans * views
    steps = max(1, round(learnt / plan.value("training", "batch_size")))
    epoch = AROUND * steps * seconds
    return {
        "device": device,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "precision": how.precision,
        "step_seconds": round(seconds, 4),
        "step_bytes": bytes_,
        "free_bytes": free,
        "steps_of_an_epoch": steps,
        "epoch_seconds": round(epoch, 1),
        "training_minutes": round(epoch * plan.value("training", "epochs") / 60, 1),
        "all_folds_minutes": round(epoch * plan.value("training", "epochs") * max(1, plan.folds) / 60, 1),
    }


def _time(machine: dict[str, Any]) -> str:
    if not machine["step_seconds"]:
        return "Its time was not measured on this device."
    return (
        f"Expected here: {machine['training_minutes']:g} min a training, {machine['all_folds_minutes']:g} min in all."
    )


def _say(plan: Plan, found: Fingerprint, machine: dict[str, Any], out: Path, manifest: Path) -> None:
    """Show the choices with their reasons, and what to type next."""
    rows = [[f"{one.table}.{one.key}".lstrip("."), str(one.value), one.reason] for one in plan.choices]
    rows.append(["folds", str(plan.folds or "parts"), plan.folds_reason])
    labels = ", ".join(f"{name} {count}" for name, count in found.labels.items())
    console.table(f"{found.scans} scans of {found.patients} patients: {labels}", ["", "chosen", "because"], rows)
    if found.refused:
        console.say(f"{found.refused} of {found.read + found.refused} scans could not be read: see medres audit")
    console.say(_time(machine))
    console.say(f"experiment  {out / EXPERIMENT}")
    console.say(f"plan        {out / PLAN}")
    folds = f" --folds {plan.folds}" if plan.folds else ""
    console.say(f"next        medres split {manifest} --out {out / 'split.json'}{folds}")
    places = f"--manifest {manifest} --split {out / 'split.json'} --out {out / 'run'}"
    console.say(f"            medres train {out / EXPERIMENT} {places}{' --folds' if plan.folds else ''}")
