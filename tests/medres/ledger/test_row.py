from medres.ledger.row import COLUMNS, EXPORTED_COLUMNS, INTERNAL_COLUMNS, KEY_COLUMNS, LedgerRow


def test_a_row_is_known_by_series_model_and_configuration():
    assert LedgerRow("ct-1", "a", "b", "ok").key == ("ct-1", "a", "b")
    assert COLUMNS[:3] == KEY_COLUMNS


def test_places_and_times_are_not_exported():
    assert {"relative_path", "source_stamp", "finished_at"} == INTERNAL_COLUMNS
    assert not INTERNAL_COLUMNS & set(EXPORTED_COLUMNS)
