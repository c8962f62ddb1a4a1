import json
import re
import shutil

import pytest

from medres.classifier import load_classifier
from medres.io import read
from medres.io.nifti_writing import write_volume
from medres.results.disclaimer import DISCLAIMER, PHANTOM
from tests.pipelines.program import medres, medres_process
from tests.shared_data import shared
from tests.tiny_models import PLACES_MM, ct_volume, tiny_ct_model


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scans") / "scan.nii.gz"
    write_volume(ct_volume(60, PLACES_MM[0]), path)
    return path


def test_card_says_probability_decision_threshold_coverage_model_and_disclaimer(tiny_ct, scan):
    done = medres("predict", tiny_ct, scan, "--modality", "CT")
    assert done.returncode == 0, done.stderr
    expected = load_classifier(tiny_ct).predict(read(scan, modality="CT"))
    assert done.stdout.startswith(f"tumour {expected.probability:.3f}: positive (threshold {expected.threshold:.3f}")
    for words in ("operating point balanced", "of the scan was shown", "tiny 1.0", PHANTOM, DISCLAIMER):
        assert words in done.stdout
    assert done.stderr == ""


def test_json_gives_the_same_numbers_for_programs(tiny_ct, scan):
    answer = json.loads(medres("predict", tiny_ct, scan, "--modality", "CT", "--json").stdout)
    expected = load_classifier(tiny_ct).predict(read(scan, modality="CT"))
    assert answer["probability"] == expected.probability
    assert answer["probabilities"] == dict(expected.probabilities)
    assert (answer["decision"], answer["threshold"]) == ("positive", expected.threshold)
    assert answer["provenance"]["scan_digest"] == expected.scan_digest
    assert answer["disclaimer"] == DISCLAIMER


def test_explain_and_out_write_the_folder_of_results(tiny_ct, scan, tmp_path):
    out = tmp_path / "result"
    done = medres("predict", tiny_ct, scan, "--modality", "CT", "--explain", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "region 1: voxel" in done.stdout
    assert {"result.json", "report.html", "heatmap.nii.gz", "slice-axial-heatmap.png"} <= {
        p.name for p in out.iterdir()
    }


def test_out_without_explain_writes_a_report_without_a_heatmap(tiny_ct, scan, tmp_path):
    assert medres("predict", tiny_ct, scan, "--modality", "CT", "--out", tmp_path).returncode == 0
    assert json.loads((tmp_path / "result.json").read_text())["heatmap"] is None
    assert not list(tmp_path.glob("*heatmap*"))


def test_scan_out_of_scope_has_the_reason_and_no_probability(tiny_ct, scan):
    done = medres("predict", tiny_ct, scan, "--modality", "MR", "--explain")
    assert done.returncode == 0
    assert done.stdout.startswith("out of scope: no probability\n  E_SCOPE_MODALITY: ")
    assert "tumour 0." not in done.stdout
    answer = json.loads(medres("predict", tiny_ct, scan, "--modality", "MR", "--json").stdout)
    assert (answer["probability"], answer["probabilities"], answer["decision"]) == (None, {}, "out_of_scope")


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (lambda folder: folder / "nowhere", 1, "E_NOT_FOUND"),
        (lambda folder: folder, 3, "E_EMPTY_FOLDER"),
        (lambda folder: (folder / "a.nii.gz").write_bytes(b"\x1f\x8b damaged") and folder / "a.nii.gz", 3, "E_"),
    ],
)
def test_bad_input_is_one_line_without_path_or_traceback(tiny_ct, tmp_path, make, status, code):
    folder = tmp_path / "Doe-Jane"
    folder.mkdir()
    done = medres("predict", tiny_ct, make(folder))
    assert done.returncode == status
    assert re.fullmatch(rf"{code}\w*: [^\n]+ - [^\n]+\n", done.stderr)
    assert "Doe" not in done.stderr
    assert done.stdout == ""


def test_scan_without_a_modality_is_refused_with_the_cure(tiny_ct, scan):
    done = medres("predict", tiny_ct, scan)
    assert done.returncode == 3
    assert done.stderr.startswith("E_NO_MODALITY: ")
    assert "--modality" in done.stderr


def test_damaged_model_is_refused(tiny_ct, scan, tmp_path):
    model = shutil.copytree(tiny_ct, tmp_path / "model")
    weights = bytearray((model / "weights.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    (model / "weights.safetensors").write_bytes(weights)
    done = medres("predict", model, scan, "--modality", "CT")
    assert done.returncode == 1
    assert done.stderr.startswith("E_MODEL_DIGEST: ")


def test_channel_must_be_name_and_path(tiny_ct, scan):
    done = medres("predict", tiny_ct, scan, "--modality", "CT", "--channel", "flair")
    assert done.returncode == 2
    assert done.stderr.startswith("E_USAGE: ")


def test_unknown_channel_is_refused_with_the_names(tiny_ct, scan):
    done = medres("predict", tiny_ct, scan, "--modality", "CT", "--channel", f"flair={scan}")
    assert done.returncode == 3
    assert done.stderr.startswith("E_CHANNEL_UNKNOWN: ")


@pytest.mark.shared
@pytest.mark.slow
def test_real_ct_as_a_process_of_its_own(tmp_path):
    model = tiny_ct_model(tmp_path / "model", scope=False)
    source = shared("data/dicom/ct_abdomen_18")
    folder = tmp_path / "ct"
    folder.mkdir()
    for path in source.glob("*.dcm"):
        shutil.copy(path, folder)
    done = medres_process("predict", model, folder, "--explain", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "DICOM LPS" in done.stdout or "No region above threshold" in done.stdout
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
