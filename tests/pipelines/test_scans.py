import pytest

from medres.errors import ExplanationError, IntakeError, ModelError
from pipelines.scans import intake_choices, refusing


def raising(fault):
    def work():
        raise fault

    return work


def test_only_choices_that_were_made_count():
    assert intake_choices(None, None) == {}
    assert intake_choices("ct", "sform", True) == {"modality": "CT", "nifti_frame": "sform", "allow_gaps": "yes"}


@pytest.mark.parametrize("fault", [IntakeError("E_GEOM_GAP", "gap"), ExplanationError("E_EXPLAIN_INPUT", "no")])
def test_a_refused_scan_is_status_3_and_one_line(fault, capsys):
    assert refusing(raising(fault)) == 3
    assert capsys.readouterr().err == f"{fault}\n"


@pytest.mark.parametrize("fault", [IntakeError("E_NOT_FOUND", "nothing"), ModelError("E_ENGINE", "no")])
def test_faults_of_the_call_and_the_model_are_left_to_the_program(fault):
    with pytest.raises(type(fault)):
        refusing(raising(fault))


def test_work_that_went_well_is_status_0():
    assert refusing(lambda: None) == 0
