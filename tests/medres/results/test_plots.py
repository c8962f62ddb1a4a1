import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from medres.results.disclaimer import DISCLAIMER, Stamp
from medres.results.plots import learning_rate_sweep, score_distribution, training_curves
from medres.training.finish import history_table

STAMP = Stamp("tiny", "1.0", "2026-01-31")


def texts_of_plots(monkeypatch):
    seen = []
    plain = Figure.supxlabel
    monkeypatch.setattr(Figure, "supxlabel", lambda self, text, **k: seen.append(text) or plain(self, text, **k))
    return seen


def history(epochs: int) -> bytes:
    columns = ("train_loss", "validation_loss", "validation_auroc", "learning_rate", "seconds")
    return history_table([{"epoch": float(n + 1)} | dict.fromkeys(columns, 0.5 + 0.01 * n) for n in range(epochs)])


def test_curves_are_drawn_and_differ_with_the_history():
    drawn = (training_curves(history(epochs), STAMP) for epochs in (3, 9))
    first, second = (np.asarray(Image.open(io.BytesIO(content))) for content in drawn)
    assert first.shape == second.shape
    assert first.std() > 5
    assert (first != second).any()


def test_a_sweep_of_rates_carries_the_disclaimer(monkeypatch):
    seen = texts_of_plots(monkeypatch)
    assert learning_rate_sweep([1e-4, 1e-3], [1.0, 0.5], 3e-4, STAMP).startswith(b"\x89PNG")
    assert seen == [f"tiny 1.0 · 2026-01-31 · {DISCLAIMER}"]


def test_training_curves_carry_the_disclaimer_and_no_metadata(monkeypatch):
    seen = texts_of_plots(monkeypatch)
    content = training_curves(history(2), STAMP)
    assert seen == [f"tiny 1.0 · 2026-01-31 · {DISCLAIMER}"]
    assert "Software" not in Image.open(io.BytesIO(content)).info


def test_score_distribution_is_a_picture_that_depends_on_the_scores(monkeypatch):
    seen = texts_of_plots(monkeypatch)
    labels = np.array([0, 0, 1, 1])
    first = score_distribution(labels, [0.1, 0.2, 0.8, 0.9], STAMP, threshold=0.5, positive_label="tumour")
    second = score_distribution(labels, [0.9, 0.8, 0.2, 0.1], STAMP, threshold=0.5, positive_label="tumour")
    assert first.startswith(b"\x89PNG")
    assert first != second
    assert len(seen) == 2
