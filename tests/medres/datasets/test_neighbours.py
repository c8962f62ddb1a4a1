"""Candidates for twins, by an index instead of all pairs."""

from __future__ import annotations

import numpy as np

from medres.datasets.neighbours import describe_planes, find_candidates
from medres.datasets.symmetry import lay
from tests.medres.datasets.pictures import textured

PLANES = np.stack([np.asarray(textured(seed, 64))[None] for seed in range(40)])


def test_every_turned_copy_is_a_candidate_with_its_lay() -> None:
    turned = np.stack([lay(PLANES[n], n) for n in range(8)])
    found = find_candidates(np.concatenate([PLANES, turned]))
    pairs = {tuple(sorted(pair)) for pair in found.pairs.tolist()}
    assert all((n, 40 + n) in pairs for n in range(8))
    best = found.similarity.argsort()[-8:]
    assert (found.similarity[best] > 0.999).all()


def test_each_pair_stands_once_and_none_with_itself() -> None:
    pairs = [tuple(sorted(pair)) for pair in find_candidates(PLANES).pairs.tolist()]
    assert len(pairs) == len(set(pairs))
    assert all(first != second for first, second in pairs)
    assert len(pairs) <= 40 * 12


def test_slices_in_reverse_order_meet() -> None:
    volumes = np.concatenate([PLANES[0:12], PLANES[12:24], PLANES[24:36]], axis=1)  # (12, 3, 64, 64)
    found = find_candidates(np.concatenate([volumes, volumes[:1, ::-1]]))
    row = next(n for n, pair in enumerate(found.pairs.tolist()) if sorted(pair) == [0, 12])
    assert found.lays[row] == 8


def test_descriptions_have_length_one() -> None:
    assert np.allclose((describe_planes(PLANES.astype(np.float32)) ** 2).sum((1, 2, 3)), 1, atol=1e-3)


def test_two_scans_are_enough() -> None:
    assert len(find_candidates(PLANES[:2]).pairs) == 1
