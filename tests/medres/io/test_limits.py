import pytest

from medres.errors import IntakeError
from medres.io.limits import MAX_VOXELS, named_faults, require_voxels


def test_a_grid_within_the_limit_is_counted():
    assert require_voxels((1024, 1024, 1024)) == MAX_VOXELS


def test_a_grid_beyond_the_limit_is_refused_with_its_numbers():
    with pytest.raises(IntakeError, match=r"E_SIZE_LIMIT.*1025 x 1024 x 1024 = 1074790400"):
        require_voxels((1025, 1024, 1024))


@pytest.mark.parametrize(
    ("fault", "code"),
    [(PermissionError(13, "Permission denied", "/secret"), "E_UNREADABLE"), (MemoryError(), "E_SIZE_LIMIT")],
)
def test_what_the_system_refuses_is_named_without_a_path(fault, code):
    with pytest.raises(IntakeError, match=code) as caught, named_faults():
        raise fault
    assert "secret" not in str(caught.value)
