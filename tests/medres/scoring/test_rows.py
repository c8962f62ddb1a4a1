import pytest

from medres.classifier import load_classifier
from medres.errors import IntakeError, ScopeError, StoreError
from medres.scoring.rows import Context, Source, library_versions, row_of, row_of_fault
from tests.tiny_models import PLACES_MM, ct_volume, picture, tiny_ct_model

SOURCE = Source("ct-1", "CT", "a/b.dcm", "stamp")
CONTEXT = Context("m" * 64, "c" * 64, "tiny", "1.0", "torch", "fp32", {"medres": "0"})


def test_an_answer_becomes_a_row_that_can_be_traced(tiny_ct):
    volume = ct_volume(1, PLACES_MM[0])
    prediction = load_classifier(tiny_ct).predict(volume)
    row = row_of(prediction, volume, SOURCE, CONTEXT)
    assert row.status == "ok"
    assert row.warnings == ("W_MODEL_PHANTOM",)
    assert (row.probability, row.threshold) == (prediction.probability, prediction.threshold)
    assert (row.positive_label, row.operating_point) == ("tumour", "balanced")
    assert row.key == ("ct-1", "m" * 64, "c" * 64)


def test_a_warning_of_the_scan_makes_the_row_warned(tiny_ct):
    volume = ct_volume(1).with_codes("W_PADDING")
    assert row_of(load_classifier(tiny_ct).predict(volume), volume, SOURCE, CONTEXT).status == "warned"


def test_out_of_scope_has_a_reason_and_no_probability(tiny_ct):
    volume = picture(0)
    row = row_of(load_classifier(tiny_ct).predict(volume), volume, SOURCE, CONTEXT)
    assert (row.status, row.probability, row.probabilities) == ("out_of_scope", None, {})
    assert "US" in row.message


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (IntakeError("E_GEOM_GAP", "gap 5 mm"), "refused"),
        (ScopeError("E_NO_MODALITY", "must say"), "refused"),
        (IntakeError("E_INPUT_CHANGED", "some changed"), "error"),
        (StoreError("E_TIMEOUT", "longer than 1 s"), "error"),
    ],
)
def test_a_fault_of_the_scan_is_refused_and_a_fault_of_the_run_is_an_error(fault, status):
    row = row_of_fault(fault, SOURCE, CONTEXT)
    assert row.status == status
    assert row.message == f"{fault.what} - {fault.cure}"


def test_versions_name_what_a_score_hangs_on():
    assert {"medres", "torch", "pydicom"} <= library_versions().keys()


def test_places_of_a_model_of_patches_stand_in_the_row(tmp_path):
    volume = ct_volume(1, PLACES_MM[0])
    prediction = load_classifier(tiny_ct_model(tmp_path / "model", "patches")).predict(volume)
    row = row_of(prediction, volume, SOURCE, CONTEXT)
    assert len(row.places) == len(prediction.places) > 0
    assert row.places[0]["probability"] == prediction.places[0].probability
    assert row.places[0]["slice"] == prediction.places[0].voxel[2] + 1
