"""Every test uses a configuration folder of its own: the user's site key and link table are never touched."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory):
    """Point medres at a new configuration folder for this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRES_CONFIG", str(tmp_path_factory.mktemp("configuration")))
        patch.delenv("MEDRES_SITE_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def tiny_ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny 3D model for CT that tells bright spheres from none (see tests/tiny_models.py)."""
    from tests.tiny_models import tiny_ct_model

    return tiny_ct_model(tmp_path_factory.mktemp("tiny") / "ct")


@pytest.fixture(scope="session")
def tiny_us(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny 2D model for ultrasound pictures that tells bright discs from none."""
    from tests.tiny_models import tiny_picture_model

    return tiny_picture_model(tmp_path_factory.mktemp("tiny") / "us")
