import pytest

from medres.errors import IntakeError
from medres.io.limits import MAX_VOXELS, require_voxels


def test_a_grid_within_the_limit_is_counted():
    assert require_voxels((1024, 1024, 1024)) == MAX_VOXELS


def test_a_grid_beyond_the_limit_is_refused_with_its_numbers():
    with pytest.raises(IntakeError, match=r"E_SIZE_LIMIT.*1025 x 1024 x 1024 = 1074790400"):
        require_voxels((1025, 1024, 1024))
