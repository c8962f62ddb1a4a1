"""The dashboard."""

from __future__ import annotations

from app import state
from medres.review.decisions import Reading
from medres.review.opinion import opinion_of_row
from medres.review.worklist import open_worklist
from tests.app.conftest import words


def test_the_dashboard_counts_scans_rates_and_agreement_and_proves_the_trail(start, own_results):
    start(own_results)
    items = open_worklist(own_results).items
    for item, finding in zip(items[:3], ("positive", "positive", "negative"), strict=True):
        said = opinion_of_row(item.row)
        state.record(state.study(item), Reading("final", finding, 3, seconds=20.0), said)
    test = start(own_results, page="dashboard")
    assert not test.exception
    values = {one.label: one.value for one in test.metric}
    assert values["Scans"] == "5"
    assert values["Flagged positive"] == "67%"
    assert values["Out of scope"] == "20%"
    assert values["Readers and model, kappa"] == "1.00"
    assert "Audit trail: 3 entries" in words(test)
    assert test.dataframe[0].value["Reader"].tolist() == ["local"]


def test_a_trail_that_was_cut_is_said_on_the_dashboard(start, own_results):
    start(own_results)
    store = state.review_store()
    store.append("local", "opened")
    store.append("local", "opened")
    with store._engine.begin() as base:
        base.exec_driver_sql("DROP TRIGGER no_delete")
        base.exec_driver_sql("DELETE FROM trail WHERE number = 1")
    test = start(own_results, page="dashboard")
    assert "E_REVIEW_TRAIL" in words(test)


def test_without_a_folder_there_is_nothing_to_count(start):
    assert "nothing to count" in words(start(page="dashboard"))


def test_only_who_oversees_is_led_to_the_dashboard(start, results, sign_in):
    for email, there in (("ann@b.org", False), ("bea@b.org", False), ("cy@b.org", True)):
        sign_in(email)
        assert ("dashboard" in start(results).session_state["pages"]) is there
