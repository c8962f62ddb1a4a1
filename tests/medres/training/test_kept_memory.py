"""Large blocks are not asked for again while memory is kept, and are given back after it."""

from __future__ import annotations

import resource

import numpy as np
import pytest

from medres.training.kept_memory import kept_memory

BLOCK = 48 << 20  # bytes, above any threshold of glibc's own


def faults_of_blocks(count: int = 10) -> int:
    """Pages that the system has to bring while blocks are made, filled and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        np.empty(BLOCK, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_freed_blocks_are_used_again_inside_and_given_back_outside():
    with kept_memory() as is_kept:
        if not is_kept:
            pytest.skip("this C library has no such switch")
        faults_of_blocks(1)
        inside = faults_of_blocks()
    assert faults_of_blocks() > 10 * max(1, inside)


def test_a_fault_inside_passes_and_memory_is_given_back():
    with pytest.raises(KeyError), kept_memory():
        raise KeyError("inside")
    assert faults_of_blocks(2) > 0
