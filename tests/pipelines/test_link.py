from medres.io.privacy import load_site_key, remember_link
from tests.pipelines.program import medres


def test_a_pseudonym_leads_back_to_its_patient_on_this_site_only(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "site"))
    name = remember_link(load_site_key(), "MRN-778812")
    assert medres("link", name).stdout == "MRN-778812\n"
    other = medres("link", name, MEDRES_CONFIG=str(tmp_path / "other"))
    assert other.returncode == 3
    assert "MRN" not in other.stdout + other.stderr


def test_a_key_file_that_is_no_key_is_named(tmp_path):
    (tmp_path / "site.key").write_text("short")
    done = medres("link", "0" * 16, "--key-file", tmp_path / "site.key")
    assert done.returncode == 1
    assert done.stderr.startswith("E_KEY_FILE: ")
