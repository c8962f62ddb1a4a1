"""OpenVINO is held to fp32 unless asked otherwise: by itself it takes bf16 where the CPU has it."""

from __future__ import annotations

import pytest

from medres.engines.openvino import OpenVinoEngine
from tests.small import save_tiny_model, spec_2d


@pytest.mark.parametrize(("precision", "hint"), [("fp32", "f32"), ("bf16", "bf16")])
def test_the_precision_hint_is_always_set(tmp_path, precision, hint):
    engine = OpenVinoEngine(save_tiny_model(tmp_path / "tiny", spec_2d()), precision=precision)
    told = engine._compiled.get_property("INFERENCE_PRECISION_HINT")
    assert hint in str(told.get_type_name() if hasattr(told, "get_type_name") else told)
