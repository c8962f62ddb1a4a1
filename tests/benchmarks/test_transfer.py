"""Tests of benchmarks/transfer.py: which runs there are, what a share of the labels is, paired intervals."""

from pathlib import Path

import numpy as np

from benchmarks.transfer import adapt, areas, draw, said, thin, trials
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import build_split
from medres.evaluation.multiclass import check_multiclass
from medres.training.finetuning import released_groups
from medres.training.toml_file import read_experiment

CONFIG = Path(__file__).parents[2] / "pipelines" / "configs" / "breast_ultrasound.toml"


def make_manifest() -> Manifest:
    """Make 80 scans of 40 patients, a quarter of them malignant."""
    rows = [
        ManifestRow(n, f"p{n // 2:02d}", {"image": Path(f"{n}.png")}, "malignant" if n // 2 % 4 == 0 else "benign")
        for n in range(80)
    ]
    return Manifest(tuple(rows), Path())


def test_every_share_and_fold_is_run_from_scratch_frozen_and_staged() -> None:
    found = list(trials({"brain": Path("m")}, 3, (4, 3, 2)))
    assert len(found) == 27
    assert {trial.way for trial in found} == {"scratch", "brain-frozen", "brain-staged"}
    assert [trial.epochs for trial in found if trial.share == 1.0] == [2] * 9


def test_frozen_never_releases_the_backbone_and_staged_releases_all() -> None:
    experiment = read_experiment(CONFIG)
    for trial in trials({"brain": Path("m")}, 1, (40, 24, 12)):
        spec = adapt(experiment, trial).training
        last = released_groups(spec.epochs - 1, spec, 6)
        assert last == (1 if trial.way == "brain-frozen" else 6)


def test_shares_are_of_patients_nested_and_leave_the_test_part_alone() -> None:
    manifest = make_manifest()
    whole = build_split(manifest, folds=3, inner_folds=4).fold(0)
    small, large = (thin(manifest, whole, share, 0) for share in (0.25, 0.5))
    assert small.parts["test"] == whole.parts["test"]
    for part in ("train", "validation"):
        assert set(small.parts[part]) <= set(large.parts[part]) <= set(whole.parts[part])
        assert {row.label for row in small.rows(manifest, part)} == {"benign", "malignant"}
    kept = {row.patient_id for row in small.rows(manifest, "train")}
    dropped = {row.patient_id for row in whole.rows(manifest, "train")} - kept
    assert not kept & dropped
    assert len(small.parts["train"]) < len(whole.parts["train"]) / 2


def test_paired_difference_of_equal_scores_is_exactly_nothing() -> None:
    random = np.random.default_rng(0)
    truth, folds = np.array(["a", "b"] * 30), np.repeat([0, 1], 30)
    score = random.random(60) * 0.5 + 0.4 * (truth == "b")
    cases = check_multiclass(list(truth), np.stack([1 - score, score], axis=1), ("a", "b"))
    drawn = draw(np.arange(60) // 2, folds)[:50]
    found = areas(cases, folds, drawn)
    assert 0.7 < found[0] <= 1.0
    assert np.percentile(found[1:], 2.5) < found[0] < np.percentile(found[1:], 97.5)
    assert said(found - found, "+.3f") == "+0.000 (+0.000 to +0.000)"
