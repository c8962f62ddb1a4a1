"""`medres view`: what it starts, and what it refuses."""

from __future__ import annotations

import socket
from typing import get_args

import pytest

from medres.errors import MedresError
from pipelines import view
from tests.results_folder import build_results


def test_the_server_listens_on_this_machine_only_and_tells_nobody():
    command = view.command_line(8600, browser=False)
    for flag in (
        "--server.address=127.0.0.1",
        "--server.port=8600",
        "--browser.gatherUsageStats=false",
        "--server.enableXsrfProtection=true",
        "--client.toolbarMode=minimal",
        "--client.showErrorDetails=none",
        "--server.headless=true",
    ):
        assert flag in command


def test_the_folder_travels_in_the_environment_and_not_on_the_command_line(tmp_path):
    strange = tmp_path / "-- server.address=0.0.0.0; rm"
    strange.mkdir()
    assert view.handed_over([strange], None) == {view.FOLDER_VARIABLE: str(strange.resolve())}
    assert not any(str(tmp_path) in word for word in view.command_line(8600, browser=True))


def test_the_variables_are_those_that_the_viewer_reads():
    from app import settings

    names = ("FOLDER_VARIABLE", "MODEL_VARIABLE", "PEOPLE_VARIABLE", "OPINION_VARIABLE")
    assert [getattr(view, name) for name in names] == [getattr(settings, name) for name in names]
    assert get_args(settings.OpinionPolicy) == view.OPINIONS


def test_the_viewer_is_found_in_the_installed_package():
    assert view.server_file().name == "server.py"


@pytest.mark.parametrize(("port", "code"), [(0, "E_USAGE"), (70000, "E_USAGE")])
def test_reject_ports_that_cannot_be(port, code):
    with pytest.raises(MedresError, match=code):
        view.run(None, None, port, browser=False)


def test_the_opinion_can_be_shown_or_locked_and_nothing_else():
    assert view.handed_over([], None, opinion="locked") == {view.OPINION_VARIABLE: "locked"}
    with pytest.raises(MedresError, match="--opinion must be one of hidden, shown, locked, got 'perhaps'"):
        view.run(None, None, 8600, browser=False, opinion="perhaps")


def test_reject_a_port_that_another_program_holds():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(MedresError, match="is in use - choose another with --port"):
            view.run(None, None, other.getsockname()[1], browser=False)


def test_reject_a_folder_that_is_not_there_without_naming_it(tmp_path):
    with pytest.raises(MedresError, match="E_NOT_FOUND") as fault:
        view.run([tmp_path / "gone"], None, 8600, browser=False)
    assert "gone" not in str(fault.value)


def test_reject_a_model_folder_without_a_model(tmp_path):
    with pytest.raises(MedresError, match="E_MODEL_MISSING"):
        view.run(None, tmp_path, 8600, browser=False)


def test_run_becomes_the_server(tmp_path, monkeypatch):
    results = build_results(tmp_path)
    seen = {}
    monkeypatch.setattr(view.os, "execve", lambda program, command, environment: seen.update(environment, c=command))
    view.run([results], None, 8600, browser=False)
    assert seen[view.FOLDER_VARIABLE] == str(results.resolve())
    assert seen["c"][1:4] == ["-m", "streamlit", "run"]


def test_several_folders_are_handed_over_one_a_line(tmp_path):
    places = [tmp_path / "a", tmp_path / "b"]
    assert view.handed_over(places, None)[view.FOLDER_VARIABLE] == "\n".join(str(one.resolve()) for one in places)


def test_login_needs_an_identity_provider_in_streamlits_secrets(tmp_path, monkeypatch):
    pytest.importorskip("authlib", reason="the extra medres[oidc] is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    people = tmp_path / "people.toml"
    people.write_text('schema_version = 1\nreader = ["a@b.org"]')
    with pytest.raises(MedresError, match="needs an \\[auth\\] section"):
        view.run([], None, 8600, browser=False, people=people)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('[auth]\nclient_id = "medres"')
    with pytest.raises(MedresError, match="must have redirect_uri, cookie_secret, client_secret") as fault:
        view.run([], None, 8600, browser=False, people=people)
    assert "a@b.org" not in str(fault.value)
