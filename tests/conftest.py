"""Every test uses a configuration folder of its own: the user's site key and link table are never touched."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory):
    """Point medres at a new configuration folder for this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRES_CONFIG", str(tmp_path_factory.mktemp("configuration")))
        patch.delenv("MEDRES_SITE_KEY", raising=False)
        yield
