"""The picture of a training shows every epoch."""

from __future__ import annotations

import numpy as np
from PIL import Image

from medres.training.finish import history_table
from pipelines.curves import draw_curves


def history(epochs: int) -> bytes:
    columns = ("train_loss", "validation_loss", "validation_auroc", "learning_rate", "seconds")
    return history_table([{"epoch": float(n + 1)} | dict.fromkeys(columns, 0.5 + 0.01 * n) for n in range(epochs)])


def test_curves_are_drawn_and_differ_with_the_history(tmp_path):
    draw_curves(history(3), tmp_path / "a.png", "first")
    draw_curves(history(9), tmp_path / "b.png", "first")
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert first.shape == second.shape
    assert first.std() > 5
    assert (first != second).any()
