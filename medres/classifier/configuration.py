"""Model, engine and choices -> what decides, and one digest of all that changes a result.

Knows no tensor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from medres.engines.interface import Engine
from medres.errors import ModelError
from medres.models.spec import OperatingPoint
from medres.models.trained_model import TrainedModel
from medres.volume import Volume


def find_point(model: TrainedModel, name: str | None) -> OperatingPoint:
    """Look an operating point up by name.

    Args:
        model: the model.
        name: None takes the default one.

    Returns:
        The operating point.

    Raises:
        ModelError: E_SPEC with the names that there are.
    """
    points = model.spec.operating_points
    name = model.spec.default_operating_point if name is None else name
    if name not in points:
        known = ", ".join(points)
        raise ModelError("E_SPEC", f"operating point must be one of {known}, got {name!r}", "choose one of these")
    return points[name]


def digest_configuration(model: TrainedModel, engine: Engine, point: OperatingPoint, intake: Mapping[str, str]) -> str:
    """Digest all that changes a result.

    Args:
        model: the model.
        engine: what runs the network.
        point: where decisions are made.
        intake: choices made at reading; empty ones do not count.

    Returns:
        SHA-256 (hex).
    """
    content = {
        "model": model.digest,
        "engine": engine.kind,
        "precision": engine.precision,
        "operating_point": point.name,
        "intake": {key: value for key, value in sorted(intake.items()) if value},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_scan(volumes: Mapping[str, Volume]) -> str:
    """Give the content digest of a scan, of several channels together.

    Args:
        volumes: by channel name.

    Returns:
        SHA-256 (hex); of one channel its own, or "" where its reader made none.
    """
    digests = [volume.origin.content_digest for volume in volumes.values()]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
