"""Files that are whole or not there."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from medres.datasets.files import file_digest, write_atomically

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from medres.datasets.files import write_atomically
from medres.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), "x" * 5000)
except StoreError as error:
    sys.exit(7 if error.code == "E_DISK_FULL" else 8)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    write_atomically(target, "old")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(target)], check=False)
    assert done.returncode == 7
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_written_for_its_owner_only(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new/x.bin", b"\x00\x01")
    assert stat.S_IMODE((tmp_path / "new/x.bin").stat().st_mode) == 0o600
    assert file_digest(tmp_path / "new/x.bin").startswith("b413f47d")
