"""The classifier answers for Volumes alone, by its operating point, or says why it does not."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch

from medres.classifier import Classifier, load_classifier
from medres.errors import IntakeError, ModelError, ScopeError
from medres.models.scope import describe_scan, fit_scope
from medres.models.spec import TrainedModelSpec
from medres.models.trained_model import save_trained_model
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView, SlicesView
from medres.volume import Origin, Volume
from tests.small import model_spec, noise_volume, operating_point, picture, save_tiny_model, spec_2d, spec_3d


def scope_of(spec, count=12, **fields):
    volumes = [noise_volume(seed, **fields) for seed in range(count)]
    return fit_scope("CT", [describe_scan(volume, preprocess(volume, spec)) for volume in volumes])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    scope = {"scope.json": scope_of(spec_3d())}
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec_3d(), extras=scope).folder


@pytest.fixture(scope="module")
def classifier(folder):
    return load_classifier(folder)


def with_points(tmp_path, folder, **changes):
    """The same weights under another description."""
    model = load_classifier(folder).model
    spec = TrainedModelSpec.model_validate(model.spec.model_dump() | changes | {"files": {}})
    return save_trained_model(tmp_path / "other", spec, dict(model.state_dict)).folder


def test_an_answer_carries_all_that_traces_it(classifier):
    volume = noise_volume(codes=("W_TILT",), origin=Origin(content_digest="ab" * 32))
    told = classifier.predict(volume)
    assert sum(told.probabilities.values()) == pytest.approx(1.0)
    assert told.decision in ("positive", "negative")
    assert told.warnings == ("W_TILT", "W_MODEL_PHANTOM")
    assert (told.model_name, told.model_version, told.synthetic) == ("tiny", "1", True)
    assert (told.engine, told.precision) == ("torch", "fp32")
    assert told.model_digest == classifier.model.digest
    assert told.scan_digest == "ab" * 32
    assert told.input_digest == classifier.prepare(volume).digest
    assert told.coverage == classifier.prepare(volume).coverage
    assert told.seconds > 0
    assert told.code == told.reason == ""


def test_probability_is_the_networks_softmax_of_the_prepared_tensor(classifier):
    volume = noise_volume(1)
    with torch.no_grad():
        want = torch.softmax(classifier.network(classifier.prepare(volume).batch).double(), dim=1)[0]
    told = classifier.predict(volume)
    assert [told.probabilities[name] for name in ("none", "tumour")] == pytest.approx(want.tolist(), abs=1e-6)


def test_the_same_scan_gives_the_same_probability_every_time(folder, classifier):
    again = load_classifier(folder)
    first = classifier.predict(noise_volume(2))
    assert {classifier.predict(noise_volume(2)).probability for _ in range(3)} == {first.probability}
    assert again.predict(noise_volume(2)).probability == first.probability


def test_openvino_gives_the_same_answer(folder, classifier):
    other = load_classifier(folder, engine="openvino")
    assert other.predict(noise_volume()).probability == pytest.approx(
        classifier.predict(noise_volume()).probability, abs=1e-5
    )
    assert other.configuration_digest != classifier.configuration_digest
    assert not other.network.training


@pytest.mark.parametrize(("threshold", "want"), [(0.0, "positive"), (1.0, "negative")])
def test_the_operating_point_decides(tmp_path, folder, threshold, want):
    points = {"one": operating_point("one", threshold).model_dump()}
    other = load_classifier(with_points(tmp_path, folder, operating_points=points, default_operating_point="one"))
    told = other.predict(noise_volume())
    assert told.decision == want
    assert told.threshold == threshold
    assert told.operating_point.name == "one"


def test_a_probability_equal_to_the_threshold_is_positive(tmp_path, folder, classifier):
    exact = classifier.predict(noise_volume()).probability
    points = {"one": operating_point("one", exact).model_dump()}
    other = load_classifier(with_points(tmp_path, folder, operating_points=points, default_operating_point="one"))
    assert other.predict(noise_volume()).decision == "positive"


def test_the_band_gives_no_decision_at_the_default_point_alone(tmp_path, folder):
    points = {name: operating_point(name, 0.5).model_dump() for name in ("balanced", "sensitive")}
    place = with_points(tmp_path, folder, operating_points=points, indeterminate=(0.0, 1.0))
    assert load_classifier(place).predict(noise_volume()).decision == "indeterminate"
    chosen = load_classifier(place, operating_point="sensitive").predict(noise_volume())
    assert chosen.decision in ("positive", "negative")


def test_another_temperature_changes_certainty_not_the_label(tmp_path, folder, classifier):
    warm = load_classifier(with_points(tmp_path, folder, temperature=5.0)).predict(noise_volume())
    plain = classifier.predict(noise_volume())
    assert abs(warm.probability - 0.5) < abs(plain.probability - 0.5)
    assert warm.top1 == plain.top1


def test_another_modality_is_out_of_scope_without_probability(classifier):
    told = classifier.predict(noise_volume(modality="MR", unit="1"))
    assert told.decision == "out_of_scope"
    assert told.code == "E_SCOPE_MODALITY"
    assert told.reason == "the scan's modality is MR; this model was trained on CT"
    assert dict(told.probabilities) == {}
    assert told.probability is told.top1 is told.threshold is told.operating_point is None


@pytest.mark.parametrize(
    ("volume", "code"),
    [
        (noise_volume(shape=(60, 60, 60)), "E_SCOPE_BODY"),
        (noise_volume().with_voxels(np.full((20, 18, 12), 400.0, np.float32)), "E_SCOPE_INTENSITY"),
        (noise_volume(padding=np.ones((20, 18, 12), bool)), "E_SCOPE_BODY"),
        (picture(modality="CT"), "E_DIMENSIONS"),
    ],
)
def test_scans_unlike_the_training_data_are_out_of_scope_with_a_reason(classifier, volume, code):
    told = classifier.predict(volume)
    assert told.decision == "out_of_scope"
    assert told.code == code
    assert told.reason
    assert told.probability is None


def test_what_the_network_sees_is_looked_at_too(tmp_path):
    spec = spec_3d()
    volumes = [noise_volume(seed) for seed in range(16)]
    plain = load_classifier(save_tiny_model(tmp_path / "plain", spec).folder)
    vectors = [plain.network.embed(plain.prepare(v).batch)[0].tolist() for v in volumes]
    scope = fit_scope("CT", [describe_scan(v, plain.prepare(v)) for v in volumes], vectors) | {"ranges": {}}
    gated = load_classifier(save_tiny_model(tmp_path / "gated", spec, extras={"scope.json": scope}).folder)
    assert gated.predict(volumes[0]).decision != "out_of_scope"
    told = gated.predict(noise_volume().with_voxels(np.full((20, 18, 12), 40.0, np.float32)))
    assert told.code == "E_SCOPE_EMBEDDING"
    assert told.input_digest


def test_refuse_to_decide_on_logits_that_are_not_finite(tmp_path):
    model = save_tiny_model(tmp_path / "tiny", spec_3d())
    weights = dict(model.state_dict) | {"fc.bias": torch.tensor([0.0, float("nan")])}
    broken = save_trained_model(tmp_path / "broken", model.spec.model_copy(update={"files": {}}), weights)
    with pytest.raises(ModelError, match="E_ENGINE: logits must be finite, got 1 that are not"):
        load_classifier(broken.folder).predict(noise_volume())


def test_refuse_a_scan_that_does_not_say_its_modality(classifier):
    with pytest.raises(ScopeError, match="E_NO_MODALITY"):
        classifier.predict(noise_volume(modality=""))


def test_refuse_colour_for_a_volume_model(classifier):
    with pytest.raises(IntakeError, match="E_COLOUR"):
        classifier.predict(Volume(np.zeros((8, 8, 8, 3), np.uint8), np.eye(4), "CT"))


def test_two_channels_are_taken_by_name(tmp_path):
    spec = spec_3d(channels=("t1c", "flair"), modality="MR")
    two = load_classifier(save_tiny_model(tmp_path / "two", spec).folder)
    t1c, flair = (noise_volume(seed, modality="MR", unit="1") for seed in (1, 2))
    told = two.predict({"flair": flair, "t1c": t1c})
    assert told.probability == two.predict({"t1c": t1c, "flair": flair}).probability
    assert told.probability != two.predict({"t1c": flair, "flair": t1c}).probability
    with pytest.raises(ScopeError, match=r"E_CHANNEL_MISSING.*flair"):
        two.predict({"t1c": t1c})
    with pytest.raises(ScopeError, match="E_CHANNEL_MISSING"):
        two.predict(t1c)
    with pytest.raises(ScopeError, match="E_CHANNEL_UNKNOWN"):
        two.predict({"t1c": t1c, "flair": flair, "adc": flair})
    mixed = two.predict({"t1c": t1c, "flair": replace(flair, modality="CT")})
    assert mixed.code == "E_SCOPE_MODALITY"


@pytest.mark.parametrize("rule", ["mean", "max", "noisy_or"])
@pytest.mark.parametrize("kind", ["slices", "patches"])
def test_views_become_one_probability_by_the_models_rule(tmp_path, kind, rule):
    if kind == "slices":
        spec = spec_2d(
            modality="CT", size=(20, 18, 12), views=SlicesView(aggregate=rule), intensity=spec_3d().intensity
        )
    else:
        spec = spec_3d(spacing_mm=None, size=None, views=PatchesView(size=(12, 12, 12), aggregate=rule))
    some = load_classifier(save_tiny_model(tmp_path / "tiny", spec).folder)
    shown = some.prepare(noise_volume())
    with torch.no_grad():
        each = torch.softmax(some.network(shown.batch).double(), dim=1)[:, 1].numpy()
    want = {"mean": each.mean(), "max": each.max(), "noisy_or": 1 - np.prod(1 - each)}[rule]
    assert len(each) > 3
    assert some.predict(noise_volume()).probability == pytest.approx(want, abs=1e-5)


def test_there_is_no_way_to_hand_in_a_tensor_or_another_preprocessing(classifier):
    assert list(inspect.signature(Classifier.predict).parameters) == ["self", "volumes"]
    with pytest.raises(TypeError, match="a scan must be a Volume, or Volumes by channel name, got Tensor"):
        classifier.predict(torch.zeros(1, 16, 16, 16))


def test_a_multiclass_model_answers_for_its_positive_label(tmp_path):
    names = ("glioma", "meningioma", "notumor")
    spec = model_spec(spec_3d(), label_names=names, positive_label="glioma")
    place = save_tiny_model(tmp_path / "three", spec_3d(), label_names=names, positive_label="glioma").folder
    told = load_classifier(place).predict(noise_volume())
    assert tuple(told.probabilities) == spec.label_names
    assert told.probability == told.probabilities["glioma"]
