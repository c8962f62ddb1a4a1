"""The list of published weights: complete, consistent with the registry, nothing invented."""

from __future__ import annotations

import pytest

from medres.errors import ModelError
from medres.models.registry import find_entry
from medres.models.sources import SOURCES, find_source


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_says_all_that_a_user_must_know(name):
    source = find_source(name)
    assert find_entry(source.network)
    assert source.url.startswith("https://")
    assert source.file_name.endswith(".pth")
    assert min(len(source.licence), len(source.citation), len(source.expects)) > 20
    assert source.network_spec(3).label_count == 3


@pytest.mark.parametrize("name", [name for name in SOURCES if "imagenet" in name])
def test_known_digits_of_the_digest_are_those_of_the_file_name(name):
    source = find_source(name)
    assert source.file_name == f"{source.network}-{source.sha256}.pth"
    assert len(source.sha256) == 8


def test_shortcuts_of_medicalnet_follow_its_depths():
    kinds = {name: source.shortcut for name, source in SOURCES.items() if source.layout == "medicalnet"}
    assert {name for name, kind in kinds.items() if kind == "A"} == {"resnet18-medicalnet", "resnet34-medicalnet"}
    assert len(kinds) == 7


def test_unknown_name_offers_the_nearest_ones():
    with pytest.raises(ModelError, match=r"E_WEIGHTS_SOURCE: .* 'resnet18-imagnet' - nearest: resnet18-imagenet-v1"):
        find_source("resnet18-imagnet")
