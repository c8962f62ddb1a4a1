"""Volume -> probability for each label -> decision, or a reason why there is none.

`load_classifier(folder).predict(volume)`; Volumes only: no way to hand it a tensor, no keyword to change preprocessing.
"""

from __future__ import annotations

from medres.classifier.classifier import Classifier
from medres.classifier.loading import load_classifier
from medres.classifier.prediction import Place, Prediction, Probabilities

__all__ = ["Classifier", "Place", "Prediction", "Probabilities", "load_classifier"]
