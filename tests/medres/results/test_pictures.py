import io

import numpy as np
import pytest
from PIL import Image

from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER, NO_REGION, Stamp
from medres.results.pictures import Shot, _broken, draw_picture, encode_png, key_shots, legend, montage
from tests.tiny_models import ct_volume, picture

STAMP = Stamp("tiny", "1.0", "2026-01-31")
PLACE = (-20.0, 12.0, 8.0)


def heat(volume, **changes):
    relevance = np.zeros((4, 4, 3), np.float32)
    relevance[2, 1, 1] = 1.0
    affine = volume.affine @ np.diag([8.0, 8.0, 8.0, 1.0])
    fields = dict(label="tumour", layer="layer4", method="Grad-CAM", scale=1.0, threshold=0.5)
    fields |= dict(scale_source="explanation.json", seen_affine=volume.affine, seen_shape=volume.shape) | changes
    return Heatmap(relevance, affine, **fields)


def words_drawn(monkeypatch):
    """Collect every text that is drawn."""
    from PIL import ImageDraw

    drawn = []
    plain = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw,
        "text",
        lambda self, place, text, *a, **k: drawn.append(text) or plain(self, place, text, *a, **k),
    )
    return drawn


def test_key_slices_run_through_the_place_asked_for():
    volume = ct_volume(0, PLACE)
    shots = key_shots(volume, PLACE)
    assert [shot.plane for shot in shots] == ["axial", "coronal", "sagittal"]
    voxel = np.rint(np.linalg.inv(volume.affine) @ [*PLACE, 1])[:3]
    assert [shot.index for shot in shots] == [voxel[2], voxel[1], voxel[0]]
    assert shots[0].title == f"axial, slice {int(voxel[2]) + 1} of 24"


def test_key_slices_without_a_place_run_through_the_middle_and_stay_inside():
    assert key_shots(ct_volume(0))[0].index == 12
    assert key_shots(ct_volume(0), (0.0, 0.0, 1e6))[0].index == 23


@pytest.mark.parametrize("with_heat", [False, True])
def test_every_exported_picture_carries_disclaimer_model_version_and_day(monkeypatch, with_heat):
    drawn = words_drawn(monkeypatch)
    volume = ct_volume(0)
    draw_picture(key_shots(volume)[0], STAMP, heatmap=heat(volume) if with_heat else None)
    text = " ".join(drawn)
    assert DISCLAIMER in text
    assert "tiny 1.0 · 2026-01-31" in text
    assert ("layer4: 4 × 4 × 3 cells of 24 × 24 × 32 mm" in text) == with_heat


def test_sides_and_scale_bar_are_drawn_where_they_are_known_and_not_where_they_are_not(monkeypatch):
    drawn = words_drawn(monkeypatch)
    draw_picture(key_shots(ct_volume(0))[0], STAMP)
    assert {"R", "L", "A", "P", "2 cm"} <= set(drawn)
    drawn.clear()
    draw_picture(key_shots(picture(0))[0], STAMP)
    assert not {"R", "L", "A", "P"} & set(drawn)
    assert not any(text.endswith(("cm", "mm")) for text in drawn)


def test_the_border_of_what_the_network_saw_is_dotted_where_it_crosses_the_picture(monkeypatch):
    drawn = words_drawn(monkeypatch)
    volume = ct_volume(0)
    draw_picture(key_shots(volume)[0], STAMP, heatmap=heat(volume))
    assert "Dotted" not in " ".join(drawn)
    draw_picture(key_shots(volume)[0], STAMP, heatmap=heat(volume, seen_shape=(16, 16, 24)))
    assert "Dotted: the field that the network was shown." in " ".join(drawn)


def test_legend_says_that_a_cold_map_excludes_nothing():
    assert NO_REGION in legend(heat(ct_volume(0), threshold=2.0))
    assert NO_REGION not in legend(heat(ct_volume(0)))


def test_text_is_broken_to_the_width_and_loses_no_word():
    lines = _broken(DISCLAIMER, 120)
    assert len(lines) > 2
    assert " ".join(lines) == DISCLAIMER


def test_pictures_are_png_without_any_text_chunk():
    content = encode_png(draw_picture(key_shots(ct_volume(0))[0], STAMP))
    assert Image.open(io.BytesIO(content)).info == {}
    assert not any(chunk in content for chunk in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME"))


def test_montage_lays_pictures_out_without_changing_them():
    dark, bright = np.full((4, 6, 3), 10, np.uint8), np.full((5, 3, 3), 200, np.uint8)
    sheet = montage([[dark, bright], [bright]])
    assert sheet.shape == (5 + 6 + 5, 6 + 6 + 3, 3)
    assert (sheet[:4, :6] == 10).all()
    assert (sheet[:5, 12:] == 200).all()
    assert (sheet[11:, :3] == 200).all()


def test_a_picture_is_as_wide_as_asked_in_true_proportions():
    shot = Shot(ct_volume(0), "coronal", 16)  # 32 x 24 voxels of 3 x 4 mm: a square
    drawn = draw_picture(shot, STAMP, long_side=200)
    assert drawn.shape[1] == 200
    assert drawn.shape[0] > 200
