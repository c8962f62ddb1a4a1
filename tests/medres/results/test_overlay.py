import numpy as np

from medres.results.overlay import CONTOUR_COLOUR, blend, colour_table, contour, opacity, shown


def lightness(colours):
    """CIE L* of sRGB colours, written out."""
    srgb = np.asarray(colours, float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_lightness_of_the_colour_map_rises_at_every_step():
    assert (np.diff(lightness(colour_table())) >= -0.35).all()  # rounding to 8 bits moves a step by less than that
    assert (np.diff(lightness(colour_table())[::8]) > 0).all()


def test_opacity_is_zero_below_the_threshold_and_never_falls():
    values = np.linspace(0, 2, 201)
    share = opacity(values, 0.5, 1.0)
    assert (share[values < 0.5] == 0).all()
    assert (np.diff(share) >= 0).all()
    assert share.max() <= 0.65


def test_nothing_is_shown_of_an_empty_map_whatever_the_threshold():
    assert not shown(np.zeros((3, 3)), 0.0).any()


def test_contour_lies_on_the_regions_own_border():
    heat = np.zeros((7, 7))
    heat[2:5, 2:5] = 1.0
    expected = heat.astype(bool)
    expected[3, 3] = False
    assert np.array_equal(contour(heat, 0.5), expected)


def test_contour_closes_along_the_edge_of_the_picture_so_that_inside_and_outside_can_be_told():
    heat = np.ones((5, 5))
    heat[3:, 3:] = 0.0
    drawn = contour(heat, 0.5)
    assert drawn[0].all()
    assert drawn[:, 0].all()
    assert not drawn[3:, 3:].any()
    assert not drawn[1, 1]


def test_contour_leaves_the_inside_of_a_region_as_it_was():
    heat = np.zeros((7, 7), np.float32)
    heat[1:6, 1:6] = 1.0
    picture = np.full((7, 7, 3), 90, np.uint8)
    drawn = blend(picture, heat, threshold=0.5, scale=1.0)
    assert (drawn[2:5, 2:5] == 90).all()
    assert drawn[1, 1].tolist() == list(CONTOUR_COLOUR)
    assert (picture == 90).all()


def test_fill_has_the_same_colour_for_the_same_value_in_every_study():
    quiet, busy = np.full((1, 2), 0.6, np.float32), np.array([[0.6, 9.0]], np.float32)
    grey = np.full((1, 2, 3), 100, np.uint8)
    first, second = (blend(grey, heat, threshold=0.5, scale=1.0, style="fill") for heat in (quiet, busy))
    assert np.array_equal(first[0, 0], second[0, 0])


def test_fill_equals_the_blend_written_out():
    drawn = blend(
        np.full((1, 1, 3), 100, np.uint8), np.ones((1, 1), np.float32), threshold=0.5, scale=1.0, style="fill"
    )
    assert drawn[0, 0].tolist() == [round(100 * 0.35 + c * 0.65) for c in (252, 255, 164)]
