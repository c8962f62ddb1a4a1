import logging
import os
import stat
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest

from medres.errors import IntakeError, StoreError
from medres.io import find_series, read
from medres.io.privacy import (
    SiteKey,
    find_link,
    key_is_kept,
    links_path,
    load_site_key,
    pseudonym,
    quiet_pydicom,
    remember_link,
)
from tests.phantoms_dicom import save_ct

KEY, OTHER = SiteKey(b"k" * 32), SiteKey(b"o" * 32)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "configuration"))
    monkeypatch.delenv("MEDRES_SITE_KEY", raising=False)
    return tmp_path / "configuration"


def test_a_pseudonym_has_16_hex_digits_and_needs_the_key():
    assert len(pseudonym(KEY, "MRN-778812")) == 16
    assert set(pseudonym(KEY, "MRN-778812")) <= set("0123456789abcdef")
    assert pseudonym(KEY, "MRN-778812") == pseudonym(KEY, " MRN-778812 \0")
    assert pseudonym(KEY, "MRN-778812") != pseudonym(OTHER, "MRN-778812")
    assert pseudonym(KEY, "MRN-778812") != pseudonym(KEY, "MRN-778813")


def test_no_identifier_gives_no_pseudonym():
    assert pseudonym(KEY, "  ") == ""
    assert remember_link(KEY, "") == ""


def test_an_identifier_of_any_bytes_gives_a_pseudonym():
    assert len(pseudonym(KEY, b"M\xfcller".decode("utf-8", "surrogateescape"))) == 16


def test_the_key_is_made_at_first_use_for_its_owner_only(own_folder):
    first = load_site_key()
    assert load_site_key().fingerprint == first.fingerprint
    assert stat.S_IMODE((own_folder / "site.key").stat().st_mode) == 0o600


def test_makers_at_once_end_with_one_key():
    with ThreadPoolExecutor(8) as pool:
        keys = {key.fingerprint for key in pool.map(lambda _: load_site_key(), range(16))}
    assert len(keys) == 1


def test_a_key_file_may_be_given(tmp_path, monkeypatch):
    (tmp_path / "site.key").write_text("ab" * 32)
    given = load_site_key(tmp_path / "site.key")
    monkeypatch.setenv("MEDRES_SITE_KEY", str(tmp_path / "site.key"))
    assert load_site_key() == given


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "ab" * 31])
def test_a_key_file_that_is_no_key_is_refused(tmp_path, text):
    (tmp_path / "site.key").write_text(text)
    with pytest.raises(StoreError, match="E_KEY_FILE"):
        load_site_key(tmp_path / "site.key")


def test_a_named_key_file_that_is_absent_is_not_made(tmp_path):
    with pytest.raises(StoreError, match="E_KEY_FILE"):
        load_site_key(tmp_path / "absent.key")
    assert not (tmp_path / "absent.key").exists()


def test_the_secret_stands_in_no_text():
    assert "6b" * 8 not in repr(KEY)
    assert "kkk" not in repr(KEY)
    assert KEY.fingerprint in repr(KEY)
    assert KEY.fingerprint != OTHER.fingerprint


def test_the_way_back_is_kept_per_key_for_its_owner_only():
    name = remember_link(KEY, "MRN-778812")
    assert remember_link(KEY, "MRN-778812") == name
    assert find_link(KEY, name.upper()) == "MRN-778812"
    assert find_link(OTHER, name) is None
    assert find_link(KEY, "0" * 16) is None
    assert stat.S_IMODE(links_path(KEY).stat().st_mode) == 0o600


def test_writers_of_links_at_once_lose_none():
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda n: remember_link(KEY, f"patient {n}"), range(40)))
    assert [find_link(KEY, name) for name in names] == [f"patient {n}" for n in range(40)]


def test_a_link_table_that_cannot_be_written_is_a_named_fault(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="E_WRITE"):
        remember_link(KEY, "MRN-778812", tmp_path / "folder")


def test_pydicoms_warnings_that_quote_values_are_silent(capfd):
    logging.getLogger().setLevel(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught, quiet_pydicom():
        dataset = pydicom.Dataset()
        dataset.PatientBirthDate = "canary-1950"
        dataset.PixelSpacing = ["1.23456789012345678901234", "1"]
        pydicom.config.logger.warning("Doe^Jane")
        str(dataset)
    assert not caught
    assert "canary" not in "".join(capfd.readouterr())


def test_reading_a_key_does_not_need_heavy_libraries():
    code = "import sys, medres.io.privacy; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def read_only_home(tmp_path, monkeypatch):
    """Point at a configuration folder that nobody can make, root neither."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "file" / "medres"))


@pytest.mark.usefixtures("read_only_home")
def test_reading_goes_on_where_no_key_can_be_kept(tmp_path):
    save_ct(tmp_path / "ct")
    volume = read(tmp_path / "ct")
    assert volume.origin.patient_key == ""  # nobody could repeat it
    assert find_series(tmp_path / "ct").series[0].key == volume.origin.series_key
    assert not key_is_kept()


@pytest.mark.usefixtures("read_only_home")
def test_an_unknown_key_of_a_series_says_that_keys_do_not_last_here(tmp_path):
    save_ct(tmp_path / "ct")
    with pytest.raises(IntakeError, match=r"E_NOT_FOUND.*name a key file with MEDRES_SITE_KEY"):
        read(tmp_path / "ct", series="0123456789ab")


@pytest.mark.usefixtures("read_only_home")
def test_what_must_keep_a_key_says_where_to_put_it():
    with pytest.raises(StoreError, match=r"E_WRITE: the site key cannot be kept .* - name a key file with MEDRES_SITE"):
        load_site_key()


def test_a_key_that_was_named_and_is_damaged_stops_the_reading(tmp_path, monkeypatch):
    (tmp_path / "site.key").write_text("short")
    monkeypatch.setenv("MEDRES_SITE_KEY", str(tmp_path / "site.key"))
    save_ct(tmp_path / "ct")
    with pytest.raises(StoreError, match="E_KEY_FILE"):
        read(tmp_path / "ct")
