"""A table of predictions is read as it stands: classes by column, failures by status, nothing guessed."""

import pytest

from medres.errors import MedresError
from pipelines.prediction_table import read_predictions

GOOD = "patient_id,scan,label,score,age\np,a,0,0.1,40\nq,b,1,0.8,50\n"


def read(tmp_path, text: str | bytes, **options):
    (tmp_path / "p.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_predictions(tmp_path / "p.csv", **options)


@pytest.mark.parametrize("text", [GOOD, GOOD.replace(",", ";"), GOOD.replace(",", "\t"), "\ufeff" + GOOD])
def test_comma_semicolon_tab_and_a_byte_order_mark_give_the_same_table(tmp_path, text):
    table = read(tmp_path, text)
    assert [(row.scan, row.patient, row.label, row.score) for row in table.rows] == [
        ("a", "p", "0", 0.1),
        ("b", "q", "1", 0.8),
    ]
    assert (table.positive, table.negative, table.has_patients) == ("1", "0", True)
    assert table.rows[1].columns == {"age": "50"}


def test_one_column_per_class_gives_probabilities_and_the_last_is_positive(tmp_path):
    table = read(tmp_path, "scan,label,score_a,score_b,score_c\ns,a,0.5,0.3,0.2\nt,c,0.1,0.1,0.7\n")
    assert table.class_names == ("a", "b", "c")
    assert table.rows[0].probabilities == {"a": 0.5, "b": 0.3, "c": 0.2}
    assert (table.positive, table.rows[1].score) == ("c", 0.7)
    assert any("takes c against the rest" in note for note in table.notes)
    assert any("do not sum to 1 in row 3" in note for note in table.notes)


def test_a_failed_scan_has_a_status_and_no_score(tmp_path):
    table = read(tmp_path, "scan,label,score,status,code\na,0,,refused,E_TRUNCATED\nb,1,0.8,ok,\nc,0,,,E_DISK\n")
    assert [(row.score, row.status, row.code) for row in table.rows] == [
        (None, "refused", "E_TRUNCATED"),
        (0.8, "ok", ""),
        (None, "error", "E_DISK"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("p,a,", "p,b,"), "E_EVAL_DUPLICATE: .* rows 2, 3"),
        (GOOD.replace("p,a,0,0.1", "p,a,0,"), "E_EVAL_SCORE: .* row 2"),
        (GOOD.replace("0.1", "1.1"), "E_EVAL_RANGE: .* row 2"),
        (GOOD.replace("p,a", ",a"), "E_EVAL_VALUE: every patient must be named, got none in row 2"),
        (GOOD.replace("p,a", "p,"), "E_EVAL_VALUE: every scan must be named, got none in row 2"),
        (GOOD.replace("label", "Label"), "E_EVAL_VALUE: columns must be named in lower case"),
        (GOOD.replace("label", "truth"), "E_EVAL_LABEL: the table must have a column label"),
        (GOOD.replace("score", "logit"), "E_EVAL_SCORE: the table must have a column score"),
        ("scan,label,score,status\na,0,0.3,refused\nb,1,0.8,ok\n", "E_EVAL_SCORE: .* must have no score, .* row 2"),
        (GOOD.encode("utf-16"), "E_MANIFEST_FORMAT: the table must be text in UTF-8"),
        ("scan,label,score\n", "E_MANIFEST_EMPTY"),
    ],
)
def test_reject_a_table_by_its_rows(tmp_path, text, message):
    with pytest.raises(MedresError, match=message):
        read(tmp_path, text)


def test_scores_of_any_scale_may_lie_anywhere(tmp_path):
    assert read(tmp_path, GOOD.replace("0.1", "-7.5"), scale="any").rows[0].score == -7.5
