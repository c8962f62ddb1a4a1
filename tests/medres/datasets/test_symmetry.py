"""The eight lays of a square picture."""

from __future__ import annotations

import numpy as np
import pytest

from medres.datasets.symmetry import describe_lay, lay, lay_offset

PLANES = np.arange(2 * 4 * 4).reshape(2, 4, 4)


def test_sixteen_lays_are_different_and_keep_every_value() -> None:
    seen = {lay(PLANES, number).tobytes() for number in range(16)}
    assert len(seen) == 16
    assert all(np.array_equal(np.sort(lay(PLANES, n), axis=None), np.sort(PLANES, axis=None)) for n in range(16))
    assert len({describe_lay(number) for number in range(16)}) == 16


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mirrored", PLANES[:, :, ::-1]),
        ("flipped", PLANES[:, ::-1]),
        ("turned by 180°", np.rot90(PLANES, 2, (1, 2))),
        ("turned by 90°", np.rot90(PLANES, 1, (2, 1))),
        ("turned by 270°", np.rot90(PLANES, 1, (1, 2))),
    ],
)
def test_the_words_say_what_is_done(words: str, expected: np.ndarray) -> None:
    number = next(n for n in range(8) if describe_lay(n) == words)
    assert np.array_equal(lay(PLANES, number), expected)


@pytest.mark.parametrize("number", range(8))
def test_an_offset_goes_where_its_pixel_goes(number: int) -> None:
    plane = np.zeros((1, 9, 9))
    plane[0, 4 + 1, 4 + 2] = 1
    down, right = lay_offset((1, 2), number)
    assert lay(plane, number)[0, int(4 + down), int(4 + right)] == 1
