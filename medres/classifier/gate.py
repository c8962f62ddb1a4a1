"""A scan and a model -> may the model answer for it? If not, why not, in words.

Knows modality, facts and embeddings; `models/scope.py` has the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from medres.errors import ScopeError
from medres.models.scope import ScopeVerdict, describe_scan, judge_embedding, judge_facts
from medres.models.trained_model import TrainedModel
from medres.preprocessing.model_input import ModelInput
from medres.volume import Volume


def judge_modality(model: TrainedModel, volumes: Iterable[Volume]) -> ScopeVerdict | None:
    """Compare the scan's modality with the model's.

    Args:
        model: the model.
        volumes: every channel.

    Returns:
        None when they agree, else the reason.

    Raises:
        ScopeError: E_NO_MODALITY when a file does not say its modality and nobody did.
    """
    for volume in volumes:
        if not volume.modality:
            raise ScopeError(
                "E_NO_MODALITY", f"the scan must say its modality (this model takes {model.spec.modality})"
            )
        if volume.modality != model.spec.modality:
            told = f"the scan's modality is {volume.modality}; this model was trained on {model.spec.modality}"
            return ScopeVerdict("E_SCOPE_MODALITY", told)
    return None


def judge_input(model: TrainedModel, reference: Volume, shown: ModelInput) -> ScopeVerdict | None:
    """Compare size and intensities of a scan with the training data's.

    Args:
        model: the model; without `scope.json` nothing is refused here.
        reference: the reference channel, as read.
        shown: what the network would be shown.

    Returns:
        None inside, else the reason.
    """
    if shown.coverage == 0.0:
        return ScopeVerdict("E_SCOPE_BODY", "nothing of the scan lies in the field that this model is shown")
    return None if model.scope is None else judge_facts(model.scope, describe_scan(reference, shown))


def judge_output(model: TrainedModel, embedding: Tensor) -> ScopeVerdict | None:
    """Compare what the network sees with the training data.

    Args:
        model: the model; without `scope.json` nothing is refused here.
        embedding: (V, F), one row for each view.

    Returns:
        None inside, else the reason.
    """
    if model.scope is None:
        return None
    return judge_embedding(model.scope, np.asarray(embedding.double().mean(dim=0)))
