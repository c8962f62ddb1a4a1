import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from medres.results.disclaimer import DISCLAIMER, Stamp
from medres.results.plots import score_distribution, training_curves

STAMP = Stamp("tiny", "1.0", "2026-01-31")


def texts_of_plots(monkeypatch):
    seen = []
    plain = Figure.supxlabel
    monkeypatch.setattr(Figure, "supxlabel", lambda self, text, **k: seen.append(text) or plain(self, text, **k))
    return seen


def test_training_curves_carry_the_disclaimer_and_no_metadata(monkeypatch):
    seen = texts_of_plots(monkeypatch)
    content = training_curves({"training_loss": [1.0, 0.5], "validation_auroc": [0.6, float("nan")]}, STAMP)
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
