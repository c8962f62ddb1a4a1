"""Signing in with OpenID Connect: who is named comes in by role, nobody else sees a study."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from playwright.sync_api import expect

from pipelines.view import command_line, handed_over
from tests.browser.conftest import free_port, wait_for
from tests.results_folder import build_results

pytestmark = pytest.mark.browser
SECRETS = """
[auth]
redirect_uri = "http://localhost:{port}/oauth2callback"
cookie_secret = "a secret of this test alone, long enough"
client_id = "{client}"
client_secret = "of the test"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
PEOPLE = 'schema_version = 1\nreader = ["ann@example.org"]\nadmin = ["cy@example.org"]\n'
LONG = 60_000  # ms


@pytest.fixture(scope="module")
def provider():
    pytest.importorskip("authlib", reason="the extra medres[oidc] is not installed")
    from tests.browser.identity_provider import Provider

    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(provider, tmp_path_factory):
    from tests.browser.identity_provider import CLIENT

    home, port = tmp_path_factory.mktemp("home"), free_port()
    (home / ".streamlit").mkdir()
    text = SECRETS.format(port=port, client=CLIENT, provider=provider.address)
    (home / ".streamlit" / "secrets.toml").write_text(text)
    (home / "people.toml").write_text(PEOPLE)
    results = build_results(home / "data")
    given = {**os.environ, "HOME": str(home), "OMP_NUM_THREADS": "1"}
    given |= handed_over([results], None, home / "people.toml")
    process = subprocess.Popen(
        command_line(port, browser=False), cwd=home, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(port, process)
    yield f"http://localhost:{port}"
    process.terminate()
    process.wait(timeout=20)
    shutil.rmtree(home, ignore_errors=True)


def sign_in(page, provider, address: str, email: str, verified: bool = True) -> None:
    provider.email, provider.verified = email, verified
    page.goto(address)
    expect(page.locator('[data-testid="stDataFrame"]')).to_have_count(0)
    page.get_by_role("button", name="Sign in").click(timeout=LONG)


def test_a_named_reader_comes_in_without_the_dashboard_and_leaves_again(page, provider, address):
    sign_in(page, provider, address, "ann@example.org")
    expect(page.locator('[data-testid="stDataFrame"]')).to_be_visible(timeout=LONG)
    expect(page.get_by_role("link", name="Dashboard")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=LONG)


def test_an_admin_sees_the_dashboard(page, provider, address):
    sign_in(page, provider, address, "cy@example.org")
    page.get_by_role("link", name="Dashboard").click(timeout=LONG)
    expect(page.get_by_text("Audit trail")).to_be_visible(timeout=LONG)


@pytest.mark.parametrize(("email", "verified"), [("mallory@example.org", True), ("ann@example.org", False)])
def test_whoever_is_not_named_or_not_verified_sees_no_study(page, provider, address, email, verified):
    sign_in(page, provider, address, email, verified)
    expect(page.get_by_text("This account may not read here")).to_be_visible(timeout=LONG)
    expect(page.locator('[data-testid="stDataFrame"]')).to_have_count(0)
