"""TrainedModelSpec -> docs/trained_model.schema.json: the machine-readable facts of a model, as JSON Schema.

Run: python docs/make_schema.py          (a test holds the file against the code, and a model against the file)
"""

from __future__ import annotations

import json
from pathlib import Path

from medres.models.spec import TrainedModelSpec

PAGE = Path(__file__).with_name("trained_model.schema.json")


def build_schema() -> str:
    """The schema of `trained_model.json`: intended use, not-for, data, operating points, calibration, provenance."""
    return json.dumps(TrainedModelSpec.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(build_schema())
