"""The walk: from a DICOM folder to a report; at each step the test asks "where is the sphere, in mm?".

The network of the last steps has fixed weights (it sees brightness and nothing else), so that its Grad-CAM is known
without running it: the mean of the 27 neighbours of each voxel, times a constant.
"""

from __future__ import annotations

import re

import numpy as np
import pydicom
import pytest
from scipy import ndimage

import medres
from medres import geometry
from medres.explain.gradcam import build_heatmap
from medres.preprocessing.spec import SlicesView
from medres.results.html import build_html
from medres.results.report import build_report
from tests.phantoms_dicom import AXIAL, CORONAL, SAGITTAL, Geometry, save_ct
from tests.seeing_model import HEAD_WEIGHT, VISIBLE, save_seeing_model
from tests.small import centroid_mm, spec_2d, spec_3d

SHAPE = (44, 34, 26)  # (i, j, k): 33 x 42.5 x 65 mm
CENTRE = (14.0, 22.0, 10.0)  # voxel of the sphere
RADIUS_MM = 7.0
BATCH_NORM = 1.0 / np.sqrt(1.0 + 1e-5)  # a fresh batch norm in eval mode multiplies by this

GEOMETRIES = {
    "axial": Geometry(AXIAL),
    "sagittal": Geometry(SAGITTAL),
    "coronal": Geometry(CORONAL),
    "tilted gantry": Geometry(AXIAL, tilt_degrees=18.0),
}


@pytest.fixture(scope="module", params=GEOMETRIES)
def walk(request, tmp_path_factory):
    """A DICOM series with one sphere, and where the sphere is: (folder, RAS+ mm)."""
    form = GEOMETRIES[request.param]
    affine = np.eye(4)
    affine[:3, 3] = form.point_ras((0, 0, 0))
    for axis in range(3):
        affine[:3, axis] = form.point_ras(np.eye(3)[axis]) - affine[:3, 3]
    places = geometry.apply_affine(affine, np.moveaxis(np.indices(SHAPE), 0, -1))
    where = form.point_ras(CENTRE)
    voxels = np.where(np.linalg.norm(places - where, axis=-1) <= RADIUS_MM, 300, -1000).astype(np.int16)
    folder = tmp_path_factory.mktemp("walk") / "ct"
    save_ct(folder, voxels=voxels, geometry=form)
    return folder, where


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    return save_seeing_model(
        tmp_path_factory.mktemp("models") / "seeing", spec_3d(size=(48, 48, 48), intensity=VISIBLE)
    )


def voxel_mm(affine) -> float:
    return float(max(geometry.spacing_mm(affine)))


def test_in_the_dicom_files(walk):
    folder, where = walk
    weight, moment = 0.0, np.zeros(3)
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        bright = np.argwhere(ds.pixel_array * ds.RescaleSlope + ds.RescaleIntercept > 0)  # (row, column)
        row, column = np.reshape(np.array(ds.ImageOrientationPatient, float), (2, 3))
        step_down, step_right = (float(s) for s in ds.PixelSpacing)  # PS3.3 C.7.6.2.1.1
        lps = np.array(ds.ImagePositionPatient, float) + bright @ np.array([column * step_down, row * step_right])
        moment += (lps * (-1, -1, 1)).sum(axis=0)
        weight += len(bright)
    assert np.linalg.norm(moment / weight - where) < 1.25


def test_in_the_volume(walk):
    folder, where = walk
    volume = medres.read(folder)
    assert np.linalg.norm(centroid_mm(volume.voxels > 0, volume.affine) - where) < voxel_mm(volume.affine)
    assert set(np.unique(volume.voxels)) == {-1000.0, 300.0}


@pytest.mark.parametrize("fit", ["crop_pad", "contain", "stretch"])
def test_in_the_model_input(walk, tmp_path, fit):
    folder, where = walk
    place = save_seeing_model(tmp_path / "model", spec_3d(size=(40, 44, 48), fit=fit, orientation="LPS"))
    shown = medres.load(place).prepare(medres.read(folder))
    assert np.linalg.norm(centroid_mm(shown.tensor[0] > 0.5, shown.affine) - where) < voxel_mm(shown.affine)


def test_the_fixed_network_has_the_cam_that_algebra_says(walk, model_folder):
    classifier, volume = medres.load(model_folder), medres.read(walk[0])
    heatmap = build_heatmap(classifier, volume, layer="layer1")
    shown = classifier.prepare(volume).tensor[0].numpy()
    mean = ndimage.uniform_filter(shown.astype(float), 3, mode="constant")
    constant = HEAD_WEIGHT * BATCH_NORM**4 / shown.size
    assert np.allclose(heatmap.relevance, constant * mean, rtol=1e-4)
    coarse = build_heatmap(classifier, volume, layer="layer4")
    want = HEAD_WEIGHT * BATCH_NORM**4 * mean[::8, ::8, ::8]
    assert np.allclose(coarse.relevance, want / want.size, rtol=1e-4)


def test_in_the_heatmap(walk, model_folder):
    folder, where = walk
    volume = medres.read(folder)
    heatmap = build_heatmap(medres.load(model_folder), volume, layer="layer1")
    (region,) = heatmap.regions(0.6 * float(heatmap.relevance.max()))
    assert np.linalg.norm(np.subtract(region.centroid_mm, where)) < voxel_mm(heatmap.affine)
    assert np.linalg.norm(heatmap.hottest_mm - where) < RADIUS_MM
    again = heatmap.on_grid(volume.affine, volume.shape)
    hot = again > 0.6 * float(heatmap.relevance.max())
    assert np.linalg.norm(centroid_mm(hot, volume.affine) - where) < voxel_mm(volume.affine)


def test_in_the_coarse_heatmap_within_one_native_cell(walk, model_folder):
    folder, where = walk
    heatmap = build_heatmap(medres.load(model_folder), medres.read(folder))
    assert heatmap.layer == "layer4"
    assert np.allclose(heatmap.cell_mm, 12.0)
    assert (np.abs(heatmap.hottest_mm - where) <= np.array(heatmap.cell_mm)).all()


def test_in_the_heatmap_of_a_2d_network_over_slices(walk, tmp_path):
    folder, where = walk
    views = SlicesView(axis=2, aggregate="max")
    spec = spec_2d(
        modality="CT", spacing_mm=(1.5, 1.5, 1.5), size=(48, 48, 48), fit="crop_pad", views=views, intensity=VISIBLE
    )
    heatmap = build_heatmap(
        medres.load(save_seeing_model(tmp_path / "model", spec)), medres.read(folder), layer="layer1"
    )
    (region,) = heatmap.regions(0.6 * float(heatmap.relevance.max()))
    assert np.linalg.norm(np.subtract(region.centroid_mm, where)) < voxel_mm(heatmap.affine)


def test_in_the_report(walk, model_folder):
    folder, where = walk
    classifier, volume = medres.load(model_folder), medres.read(folder)
    prediction = classifier.predict(volume)
    heatmap = build_heatmap(classifier, volume, layer="layer1")
    report = build_report(prediction, classifier.model, volume, heatmap=heatmap, made_on="2026-01-31")
    assert report.heatmap is not None
    first = report.heatmap.regions[0]
    assert np.linalg.norm(np.subtract(first.centroid_ras_mm, where)) < voxel_mm(heatmap.affine)
    assert np.allclose(first.centroid_lps_mm, np.array(first.centroid_ras_mm) * (-1, -1, 1))
    index = geometry.apply_affine(np.linalg.inv(volume.affine), where)
    assert np.abs(np.subtract(first.voxel, index)).max() <= 1.5
    numbers = re.findall(r"<td>(-?[\d.]+), (-?[\d.]+), (-?[\d.]+)</td>", build_html(report, {}))
    told_voxel, told_ras, told_lps = np.array(numbers[:3], float)
    assert np.abs(told_voxel - index).max() <= 1.5
    assert np.linalg.norm(told_ras - where) < voxel_mm(heatmap.affine)
    assert np.linalg.norm(told_lps * (-1, -1, 1) - where) < voxel_mm(heatmap.affine)
