"""A demo small enough for tests: few patients, one epoch, every stage real; made once for all tests of one run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipelines.demo import CONFIGS, Plan

SMALL_EPOCHS = 1


def small_plan(folder: Path) -> Plan:
    """Shrink the demo's plan, its configurations copied with one epoch."""
    copies = []
    for name in ("demo_ct.toml", "demo_picture.toml"):
        lines = (CONFIGS / name).read_text().splitlines()
        shorter = [f"epochs = {SMALL_EPOCHS}" if line.startswith("epochs") else line for line in lines]
        copies.append(folder / name)
        copies[-1].write_text("\n".join(shorter) + "\n")
    return Plan(60, 60, 2, copies[0], copies[1], 50)


def small_demo(factory: pytest.TempPathFactory) -> Path:
    """Walk a small demo into `demo/` of a new folder and give that folder."""
    from pipelines import demo

    folder = factory.mktemp("walked")
    here = os.getcwd()
    os.chdir(folder)
    try:
        demo.run(Path("demo"), viewer=False, plan=small_plan(folder))
    finally:
        os.chdir(here)
    shutil.copytree(CONFIGS, folder / "pipelines" / "configs")
    return folder
