"""Evaluations, audits and manifests are found; what only looks like one is not."""

from __future__ import annotations

import json

from medres.review.documents import find_documents

EVALUATION = {
    "kind": "evaluation",
    "title": "Lesion against none",
    "model": {"name": "tiny", "version": "1", "digest": "d" * 64},
    "data": {"n": 20, "n_positive": 10, "n_patients": 12, "positive": "lesion", "source": "scored by this run"},
    "headline": {
        "auroc": {"value": 0.9, "lower": 0.8, "upper": 0.95, "n": 20},
        "npv": {"value": None, "reason": "-"},
        "citl": {"value": 0.1},
    },
}


def test_an_evaluation_brings_its_numbers_plots_and_page(tmp_path):
    place = tmp_path / "ct" / "evaluation"
    place.mkdir(parents=True)
    (place / "evaluation.json").write_text(json.dumps(EVALUATION))
    (place / "roc.png").write_bytes(b"x")
    (place / "report.html").write_text("x")
    (found,) = find_documents([tmp_path, tmp_path / "ct"])
    assert (found.kind, found.title, found.model_digest) == ("evaluation", "Lesion against none", "d" * 64)
    assert found.numbers["AUROC"] == (0.9, 0.8, 0.95, 20)
    assert list(found.numbers) == ["AUROC", "NPV", "Calibration in the large (logit offset)"]
    assert found.facts["Scans"] == "20 (10 with lesion)"
    assert [path.name for path in found.plots] == ["roc.png"]
    assert found.page == (place / "report.html").resolve()


def test_a_manifest_shows_counts_and_no_patient(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "patient_id,path,label,modality\nJane,a.nii,lesion,CT\nJane,b.nii,none,CT\nJoe,c.nii,none,CT\n"
    )
    (found,) = find_documents([tmp_path])
    assert found.facts == {"Scans": "3", "Patients": "2", "Labels": "1 lesion, 2 none", "Modality": "CT"}
    assert "Jane" not in str(found)


def test_an_audit_shows_its_counts(tmp_path):
    (tmp_path / "audit.json").write_text(json.dumps({"rows": 12, "near_copies": [1, 2], "digest": "x"}))
    (found,) = find_documents([tmp_path])
    assert found.facts == {"Rows": "12", "Near copies": "2"}


def test_what_only_looks_like_a_document_is_passed_over(tmp_path):
    for number, text in enumerate(["{", "[]", "{}", '{"kind": "evaluation"}', '{"kind": "evaluation", "data": 1}']):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "evaluation.json").write_text(text)
    (tmp_path / "manifest.csv").write_text("no,manifest\n1,2\n")
    (tmp_path / "link").symlink_to(tmp_path)
    assert find_documents([tmp_path, tmp_path / "gone"]) == ()
