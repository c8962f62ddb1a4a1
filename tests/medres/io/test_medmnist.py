import zipfile

import numpy as np
import pytest

from medres.errors import IntakeError
from medres.io.medmnist import medmnist_volume, medmnist_volumes, read_medmnist
from tests.shared_data import shared


def save(path, images, labels=None, **more):
    labels = np.arange(len(images), dtype=np.uint8)[:, None] % 2 if labels is None else labels
    parts = {
        f"{part}_{kind}": value
        for part in ("train", "val", "test")
        for kind, value in (("images", images), ("labels", labels))
    }
    np.savez_compressed(path, **{**parts, **more})
    return path


def numbered(*shape):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(np.uint8)


def test_pictures_become_planes_with_columns_first(tmp_path):
    part = read_medmnist(save(tmp_path / "a.npz", numbered(3, 4, 5)), "train")
    assert (len(part), part.spatial_dims, part.is_colour) == (3, 2, False)
    volume, label = list(medmnist_volumes(part, modality="cr"))[1]
    assert volume.shape == (5, 4, 1)
    assert np.array_equal(volume.voxels[:, :, 0].T, part.images[1])
    assert (volume.frame, volume.spacing_known, volume.codes) == ("detector", False, ("W_SPACING_UNKNOWN",))
    assert (volume.modality, label) == ("CR", (1,))


def test_colour_pictures_stay_colour(tmp_path):
    part = read_medmnist(save(tmp_path / "a.npz", numbered(2, 4, 5, 3)), "val")
    volume, _ = medmnist_volume(part, 1)
    assert volume.voxels.shape == (5, 4, 1, 3)
    assert np.array_equal(volume.voxels[2, 3, 0], part.images[1, 3, 2])


def test_volumes_keep_their_axes(tmp_path):
    part = read_medmnist(save(tmp_path / "a.npz", numbered(2, 4, 5, 6)), "test")
    assert part.spatial_dims == 3
    assert np.array_equal(medmnist_volume(part, 1)[0].voxels, part.images[1])


def test_several_labels_for_one_scan_are_kept(tmp_path):
    labels = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)
    part = read_medmnist(save(tmp_path / "a.npz", numbered(2, 4, 5), labels), "train")
    assert medmnist_volume(part, 0)[1] == (0, 1, 1)


def test_pickled_objects_are_refused(tmp_path):
    path = save(tmp_path / "a.npz", numbered(2, 4, 5), train_images=np.array([{"a": 1}, None], object))
    with pytest.raises(IntakeError, match=r"E_UNSUPPORTED.*object"):
        read_medmnist(path, "train")


@pytest.mark.parametrize(
    "labels", [np.zeros((3, 1), np.uint8), np.zeros((2, 1), np.float32), np.zeros((2, 1, 1), np.uint8)]
)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels):
    with pytest.raises(IntakeError, match="E_UNSUPPORTED"):
        read_medmnist(save(tmp_path / "a.npz", numbered(2, 4, 5), labels), "train")


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", other=np.zeros(3))
    (tmp_path / "b.npz").write_text("no archive")
    for name, code in (("a.npz", "E_UNSUPPORTED"), ("b.npz", "E_TRUNCATED"), ("c.npz", "E_NOT_FOUND")):
        with pytest.raises(IntakeError, match=code):
            read_medmnist(tmp_path / name, "train")
    with pytest.raises(IntakeError, match="train, val or test"):
        read_medmnist(save(tmp_path / "d.npz", numbered(2, 4, 5)), "all")


def test_an_array_that_announces_too_much_takes_no_memory(tmp_path):
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    for size, code in ((10**12, "E_SIZE_LIMIT"), (10**9, "E_TRUNCATED")):
        text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size}, 1, 1), }}".encode().ljust(117) + b"\n"
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("train_images.npy", header + text)
            archive.writestr("train_labels.npy", header + text)
        with pytest.raises(IntakeError, match=code):
            read_medmnist(tmp_path / "a.npz", "train")


def test_a_file_cut_short_is_refused(tmp_path):
    path = save(tmp_path / "a.npz", np.random.default_rng(0).integers(0, 255, (20, 28, 28)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(IntakeError, match="E_TRUNCATED"):
        read_medmnist(path, "train")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "part", "count", "positive", "dims"),
    [
        ("adrenalmnist3d.npz", "train", 1188, 259, 3),
        ("adrenalmnist3d.npz", "test", 298, 69, 3),
        ("pneumoniamnist_rebuilt.npz", "test", 624, 390, 2),
    ],
)
def test_real_files_have_their_published_counts(name, part, count, positive, dims):
    found = read_medmnist(shared(f"data/medmnist/{name}"), part)
    assert (len(found), int(found.labels.sum()), found.spatial_dims) == (count, positive, dims)
