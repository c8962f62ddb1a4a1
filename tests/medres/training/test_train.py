"""From files to a TrainedModel that answers: one channel, two channels by name, pictures with grouped labels."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import medres
from medres.errors import MedresError, ScopeError, TrainingError
from medres.training.dataset import read_volume
from medres.training.train import Run, Source, train
from tests.medres.training import cohorts

QUIET = Run(tensorboard=False)
TWO_CHANNELS = cohorts.TOML.replace('modality = "CT"', 'modality = "MR"\nchannels = ["t1c", "flair"]')
PICTURES = """
name = "pictures"
[labels]
positive = "malignant"
groups = { "not malignant" = ["benign", "normal"], malignant = ["malignant"] }
[network]
name = "resnet10"
width = 0.125
stem = "small"
[preprocessing]
spatial_dims = 2
modality = "US"
size = [16, 16]
fit = "contain"
intensity = { kind = "window", lower = 0, upper = 255 }
[training]
epochs = 2
batch_size = 6
precision = "fp32"
"""


def answers(model, manifest, part):
    classifier = medres.load(model.folder)
    split = cohorts.split_of(manifest)
    return classifier, [
        (row.label, classifier.predict({name: read_volume(manifest, row, name) for name in row.paths}))
        for row in split.rows(manifest, part)
    ]


def test_trained_model_gives_its_own_validation_scores_again(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 20)
    source = Source(manifest, cohorts.split_of(manifest))
    model = train(cohorts.experiment(epochs=6), source, tmp_path / "run", QUIET)
    _, found = answers(model, manifest, "validation")
    table = model.read_file("validation.csv").decode().splitlines()[1:]
    assert [float(line.split(",")[3]) for line in table] == pytest.approx(
        [prediction.probability for _, prediction in found], abs=1e-5
    )
    facts = model.spec.provenance
    assert facts["manifest_digest"] == manifest.digest
    assert facts["scans"]["training"] == {"healthy": 6, "lesion": 6}
    assert facts["versions"]["torch"] == torch.__version__


def test_two_channels_are_trained_and_predicted_by_name(tmp_path):
    channels = ("t1c", "flair")
    manifest = cohorts.write_cohort(tmp_path / "scans", 20, channels)
    manifest = manifest.with_rows(dataclasses.replace(row, modality="MR") for row in manifest.rows)
    source = Source(manifest, cohorts.split_of(manifest))
    model = train(cohorts.experiment(TWO_CHANNELS, epochs=8), source, tmp_path / "run", QUIET)
    assert model.spec.network.in_channels == 2
    classifier, found = answers(model, manifest, "test")
    by_label = {label: [p.probability for name, p in found if name == label] for label in ("healthy", "lesion")}
    assert min(by_label["lesion"]) > max(by_label["healthy"])
    row = manifest.rows[1]
    volumes = {name: read_volume(manifest, row, name) for name in channels}
    swapped = {"t1c": volumes["flair"], "flair": volumes["t1c"]}
    assert classifier.predict(swapped).input_digest != classifier.predict(volumes).input_digest
    with pytest.raises(ScopeError, match=r"E_CHANNEL_MISSING.*flair"):
        classifier.predict({"t1c": volumes["t1c"]})


def test_labels_of_the_manifest_are_grouped_and_weights_of_a_model_start_another(tmp_path):
    manifest = cohorts.write_pictures(tmp_path / "scans", 30)
    source = Source(manifest, cohorts.split_of(manifest))
    spec = cohorts.experiment(PICTURES)
    first = train(spec, source, tmp_path / "first", QUIET)
    assert first.spec.label_names == ("not malignant", "malignant")
    records = []
    again = dataclasses.replace(source, weights=first.folder)
    second = train(spec, again, tmp_path / "second", Run(tensorboard=False, on_loaded=records.append))
    assert records[0].coverage == 1.0
    assert set(records[0].adapted) == {"fc.weight", "fc.bias"}
    assert second.spec.loading["digest"] == first.spec.files["weights.safetensors"]


def test_slices_of_volumes_are_learnt_by_a_2d_network(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    text = cohorts.TOML.replace("spatial_dims = 3", 'spatial_dims = 2\nviews = { kind = "slices", count = 4 }')
    source = Source(manifest, cohorts.split_of(manifest))
    model = train(cohorts.experiment(text, views_per_scan=2), source, tmp_path / "run", QUIET)
    _, found = answers(model, manifest, "validation")
    assert all(0 <= prediction.probability <= 1 for _, prediction in found)


def test_reject_out_folder_with_a_finished_model(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    source = Source(manifest, cohorts.split_of(manifest))
    train(cohorts.experiment(epochs=1), source, tmp_path / "run", QUIET)
    with pytest.raises(TrainingError, match="E_TRAIN_OUT"):
        train(cohorts.experiment(epochs=1), source, tmp_path / "run", QUIET)


def test_progress_of_preparing_counts_both_parts_together(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    seen = []
    run = Run(tensorboard=False, on_prepare=lambda done, total: seen.append((done, total)))
    try:
        train(cohorts.experiment(epochs=1), Source(manifest, cohorts.split_of(manifest)), tmp_path / "run", run)
    except MedresError as error:
        pytest.fail(str(error))
    assert seen == [(n, len(seen)) for n in range(1, len(seen) + 1)]


def test_learnt_attention_over_slices_is_trained_saved_and_used(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    views = 'spatial_dims = 2\nviews = { kind = "slices", count = 4, aggregate = "attention" }'
    spec = cohorts.experiment(cohorts.TOML.replace("spatial_dims = 3", views), views_per_scan=4)
    model = train(spec, Source(manifest, cohorts.split_of(manifest)), tmp_path / "run", QUIET)
    assert "attention.score.weight" in model.state_dict
    classifier, found = answers(model, manifest, "validation")
    said = zip(validation_scores(model), (p.probability for _, p in found), strict=True)
    answered = [(score, probability) for score, probability in said if probability is not None]
    assert answered
    assert all(score == pytest.approx(probability, abs=1e-5) for score, probability in answered)
    weights = classifier.weigh_views(classifier.prepare(read_volume(manifest, manifest.rows[0])))
    assert weights.shape == (4,)
    assert weights.sum() == pytest.approx(1)
    assert classifier.verify() <= 1e-5


def test_mean_of_epochs_focal_loss_accumulation_and_flips_at_test_time_give_a_model_that_proves_itself(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    text = cohorts.TOML + '[test_time]\nflips = ["i", "k"]\n'
    spec = cohorts.experiment(text, average="swa", focal_gamma=2.0, accumulate=2, batch_size=4, clip_by="value")
    model = train(spec, Source(manifest, cohorts.split_of(manifest)), tmp_path / "run", QUIET)
    classifier, found = answers(model, manifest, "validation")
    assert classifier.verify() <= 1e-5
    for score, (_, prediction) in zip(validation_scores(model), found, strict=True):
        assert prediction.probability is None or score == pytest.approx(prediction.probability, abs=1e-5)
    facts = model.spec.provenance
    assert facts["energy"]["watt_hours"] >= 0
    assert facts["hardware"]["processes"] == 1
    assert "gradient_norm" in model.read_file("history.csv").decode()


def validation_scores(model):
    return [float(line.split(",")[3]) for line in model.read_file("validation.csv").decode().splitlines()[1:]]


def test_reject_more_processes_than_a_batch_has_pairs(tmp_path):
    manifest = cohorts.write_cohort(tmp_path / "scans", 16)
    run = Run(tensorboard=False, devices=9)
    with pytest.raises(TrainingError, match=r"E_USAGE: processes must be 1 to 4 with batch_size = 8, got 9"):
        train(cohorts.experiment(), Source(manifest, cohorts.split_of(manifest)), tmp_path / "run", run)
