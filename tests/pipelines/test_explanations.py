import numpy as np
import pytest
from PIL import Image

from medres import geometry
from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split
from medres.io.nifti_writing import write_nifti, write_volume
from medres.models.trained_model import load_trained_model
from medres.training.spec import LabelSpec
from pipelines.explanations import add_explanation, choose_rows, lesions_of
from tests.tiny_models import PLACES_MM, ct_volume, tiny_ct_model

LABELS = LabelSpec(positive="tumour", groups={"benign": ("without",), "tumour": ("with",)})


def write_ball(path, centre_mm, radius_mm):
    volume = ct_volume(0)
    index = np.moveaxis(np.indices(volume.shape), 0, -1)
    places = geometry.apply_affine(volume.affine, index)
    write_nifti(np.linalg.norm(places - centre_mm, axis=-1) < radius_mm, volume.affine, path)


@pytest.fixture
def scans(tmp_path):
    lines = ["patient_id,path,label,modality,mask_path"]
    for n in range(10):
        place = PLACES_MM[n % 4] if n % 2 else None
        write_volume(ct_volume(300 + n, place), tmp_path / f"{n}.nii.gz")
        if place:
            write_ball(tmp_path / f"{n}_mask.nii.gz", place, 14.0)
        mask = f"{n}_mask.nii.gz" if place else ""
        lines.append(f"p{n},{n}.nii.gz,{'with' if place else 'without'},CT,{mask}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return read_manifest(tmp_path / "manifest.csv", labels=LABELS.known)


def test_training_leaves_a_fixed_scale_and_a_scorecard_in_the_model(scans, tmp_path):
    model = load_trained_model(tiny_ct_model(tmp_path / "model", scope=False))
    parts = Split({"validation": tuple(row.key for row in scans.rows)}, scans.digest, seed=0)
    told = []
    extended = add_explanation(model, scans, parts, LABELS, lambda *now: told.append(now))
    explanation = extended.explanation
    assert told[-1] == (20, 20)  # two layers are tried, since places are known
    assert explanation["fitted_on"] == {"scans": 10, "positive": 5}
    assert explanation["scorecard"]["pointing"]["n"] == 5
    assert explanation["layer"] == max(explanation["layers_tried"], key=explanation["layers_tried"].get)
    assert set(explanation["layers_tried"]) == {"layer3", "layer4"}
    assert extended.digest != model.digest
    assert load_trained_model(tmp_path / "model").explanation == explanation


def test_rows_of_both_kinds_are_chosen_and_others_left_out(scans):
    chosen = choose_rows(scans.rows, LABELS)
    assert [row.label for row in chosen] == ["with"] * 5 + ["without"] * 5
    many = scans.rows * 5
    assert len(choose_rows(many, LABELS)) == 16


def test_a_segmentation_gives_centre_and_radius_of_each_region(tmp_path):
    write_ball(tmp_path / "mask.nii.gz", (4.0, 8.0, 6.0), 14.0)
    (lesion,) = lesions_of(tmp_path / "mask.nii.gz")
    assert np.abs(np.array(lesion.centre_mm) - (4.0, 8.0, 6.0)).max() < 1.0
    assert lesion.radius_mm == pytest.approx(14.0, abs=0.5)


def test_a_picture_s_segmentation_gives_a_disc_in_the_detector_s_frame(tmp_path):
    pixels = np.zeros((40, 60), np.uint8)  # (rows, columns)
    pixels[10:20, 30:40] = 255
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    (lesion,) = lesions_of(tmp_path / "mask.png")
    assert lesion.centre_mm == pytest.approx((34.5, 14.5, 0.0))
    assert lesion.radius_mm == pytest.approx(np.sqrt(100 / np.pi))


def test_voxels_that_touch_by_a_corner_are_one_lesion(tmp_path):
    inside = np.zeros((6, 6, 6), bool)
    inside[1, 1, 1] = inside[2, 2, 2] = inside[5, 5, 5] = True
    write_nifti(inside, np.eye(4), tmp_path / "mask.nii.gz")
    assert len(lesions_of(tmp_path / "mask.nii.gz")) == 2
