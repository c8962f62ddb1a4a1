"""Tables of marks and lesions become FROC numbers; what is no table of marks is refused."""

import pytest

from medres.errors import MedresError
from medres.evaluation.resampling import Resampling
from pipelines.marks import read_froc

MARKS = "scan,score,lesion\na,0.9,L1\na,0.4,\nb,0.8,\n"
LESIONS = "scan,n_lesions\na,2\nb,0\n"


def measured(tmp_path, marks: str = MARKS, lesions: str = LESIONS) -> dict:
    (tmp_path / "m.csv").write_text(marks)
    (tmp_path / "l.csv").write_text(lesions)
    return read_froc(tmp_path / "m.csv", tmp_path / "l.csv", Resampling(20))


def test_marks_become_a_curve_and_its_numbers(tmp_path):
    found = measured(tmp_path)
    assert found["froc"]["sensitivity"] == [0.5, 0.5, 0.5]
    assert found["froc"]["false_positives"] == [0.0, 0.5, 1.0]
    one = found["localisation"]
    assert (one["lesions_marked"].x, one["lesions_marked"].n, one["false_marks"].value) == (1, 2, 1.0)
    assert one["lesions_marked"].method == "wilson, lesions taken as independent"
    assert found["hit_rule"] == "as the marks table says"


def test_other_names_of_the_columns_are_understood(tmp_path):
    other = measured(tmp_path, MARKS.replace("scan,score", "image,prob"), LESIONS.replace("scan", "image"))
    assert other["localisation"] == measured(tmp_path)["localisation"]


def test_resamples_draw_patients_where_they_are_named(tmp_path):
    lesions = "scan,patient_id,n_lesions\na,p,2\nb,p,0\n"
    one = measured(tmp_path, lesions=lesions)["localisation"]["froc_1"]
    assert (one.lower, one.upper) == (one.value, one.value)  # one patient can only be drawn again


@pytest.mark.parametrize(
    ("marks", "lesions", "code"),
    [
        ("scan,lesion\na,L1\n", LESIONS, "E_EVAL_VALUE: .* got none for score"),
        ("scan,score,lesion\na,high,L1\n", LESIONS, "E_EVAL_SCORE"),
        ("scan,score,lesion\nz,0.9,\n", LESIONS, "E_EVAL_LABEL: every mark must lie in a listed scan"),
        ("scan,score,lesion\nb,0.9,L1\n", LESIONS, "E_EVAL_LABEL: no scan may have more lesions hit"),
        (MARKS, "scan,n_lesions\na,2.5\nb,0\n", "E_EVAL_VALUE: .* whole numbers"),
        (MARKS, "scan,n_lesions\na,-1\nb,0\n", "E_EVAL_VALUE: .* whole numbers"),
        (MARKS, "scan,n_lesions\na,2\na,1\nb,0\n", "E_EVAL_DUPLICATE: .* rows 2, 3"),
        ("scan,score,lesion\na,nan,L1\n", LESIONS, "E_EVAL_SCORE"),
    ],
)
def test_reject_tables_that_no_number_can_be_made_of(tmp_path, marks, lesions, code):
    with pytest.raises(MedresError, match=code):
        measured(tmp_path, marks, lesions)
