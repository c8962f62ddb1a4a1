import stat
import subprocess
import sys
import zipfile

import pytest

from medres.errors import IntakeError, StoreError
from medres.io.archive import ArchiveLimits, extract_archive


def pack(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def refused(tmp_path, path, **limits):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(IntakeError, match="E_ARCHIVE") as caught:
        extract_archive(path, tmp_path / "out", ArchiveLimits(**limits))
    assert sorted(tmp_path.iterdir()) == before
    return str(caught.value)


def test_all_files_come_out_under_numbers(tmp_path):
    files = {
        "Doe^Jane/1.dcm": b"one",
        "Doe^Jane/2.dcm": b"two",
        "b/scan.nii.gz": b"three",
        "b/scan.hdr": b"h",
        "b/scan.img": b"i",
    }
    assert extract_archive(pack(tmp_path / "a.zip", files), tmp_path / "out") == 5
    found = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert sorted(found.values()) == sorted(files.values())
    assert not any("Doe" in name or "scan" in name for name in found)
    assert sum(name.endswith(".nii.gz") for name in found) == 1
    stems = {name.rsplit(".", 1)[0] for name in found if name.endswith((".hdr", ".img"))}
    assert len(stems) == 1


@pytest.mark.parametrize(
    "name", ["../out.dcm", "/etc/out.dcm", "a/../../out.dcm", "..\\out.dcm", "C:\\out.dcm", "\\\\host\\share\\out.dcm"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, name):
    assert "entry 2" in refused(tmp_path, pack(tmp_path / "a.zip", {"good.dcm": b"1", name: b"2"}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    refused(tmp_path, tmp_path / "a.zip")


def test_too_many_files_too_many_bytes_and_too_high_a_ratio_are_refused(tmp_path):
    many = pack(tmp_path / "a.zip", {f"{n}.dcm": b"1" for n in range(5)})
    assert "got 5" in refused(tmp_path, many, files=4)
    refused(tmp_path, pack(tmp_path / "b.zip", {"a.dcm": bytes(range(256)) * 40}), total_bytes=1000)
    assert "100 times" in refused(tmp_path, pack(tmp_path / "c.zip", {"a.dcm": bytes(20_000_000)}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.dcm", b"1")
        archive.writestr("a.dcm", b"2")
    assert "twice" in refused(tmp_path, tmp_path / "a.zip")


def test_a_directory_that_lies_about_a_size_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.dcm": bytes(range(256)) * 4000})
    data = path.read_bytes()
    path.write_bytes(data.replace((1_024_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    refused(tmp_path, path)


def test_a_damaged_entry_leaves_nothing(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.dcm": b"first", "b.dcm": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[120:130] = bytes(10)
    path.write_bytes(bytes(data))
    refused(tmp_path, path)


def test_what_is_no_zip_and_an_encrypted_one_are_refused(tmp_path):
    (tmp_path / "a.zip").write_text("no archive")
    refused(tmp_path, tmp_path / "a.zip")
    data = bytearray(pack(tmp_path / "b.zip", {"a.dcm": b"1"}).read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    data[6] |= 1
    (tmp_path / "b.zip").write_bytes(bytes(data))
    refused(tmp_path, tmp_path / "b.zip")


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError, match="E_WRITE"):
        extract_archive(pack(tmp_path / "a.zip", {"a.dcm": b"1"}), tmp_path / "out")
    with pytest.raises(IntakeError, match="E_NOT_FOUND"):
        extract_archive(tmp_path / "absent.zip", tmp_path / "new")


def test_a_full_disk_leaves_nothing(tmp_path):
    noise = pack(tmp_path / "a.zip", {"a.dcm": bytes(range(256)) * 4000})
    code = (
        "import resource, sys; from pathlib import Path; from medres.io.archive import extract_archive\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: extract_archive(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except Exception as error: print(error.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, noise, tmp_path / "out"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "E_DISK_FULL"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
