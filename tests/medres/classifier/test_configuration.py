"""One digest stands for all that changes a result."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from medres.classifier import load_classifier
from medres.classifier.configuration import digest_scan
from medres.volume import Origin
from tests.small import noise_volume, operating_point, save_tiny_model, spec_3d


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    points = {name: operating_point(name) for name in ("balanced", "sensitive")}
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec_3d(), operating_points=points).folder


def test_every_choice_that_changes_a_result_changes_the_digest(folder):
    choices = [{}, {"precision": "bf16"}, {"operating_point": "sensitive"}, {"intake": {"nifti_frame": "sform"}}]
    digests = [load_classifier(folder, **choice).configuration_digest for choice in choices]
    assert len(set(digests)) == 4


def test_choices_that_were_not_made_do_not_count(folder):
    plain = load_classifier(folder).configuration_digest
    assert load_classifier(folder, intake={"nifti_frame": ""}).configuration_digest == plain
    assert load_classifier(folder, operating_point="balanced").configuration_digest == plain


def test_several_channels_have_one_scan_digest():
    one, two = (replace(noise_volume(), origin=Origin(content_digest=c * 64)) for c in "ab")
    assert digest_scan({"x": one}) == "a" * 64
    assert digest_scan({"x": one, "y": two}) == hashlib.sha256(("a" * 64 + "b" * 64).encode()).hexdigest()
