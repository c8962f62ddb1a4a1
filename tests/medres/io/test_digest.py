import numpy as np

from medres.io.digest import content_digest


def test_memory_order_and_byte_order_do_not_matter():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    same = {
        content_digest(v, np.eye(4), "CT") for v in (voxels, np.asfortranarray(voxels), voxels.astype(">i2"), voxels[:])
    }
    assert len(same) == 1


def test_voxels_affine_modality_shape_and_type_matter():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    other = voxels.copy()
    other[1, 2, 3] += 1
    digests = {
        content_digest(voxels, np.eye(4), "CT"),
        content_digest(other, np.eye(4), "CT"),
        content_digest(voxels, np.diag([1.0, 1.0, 2.0, 1.0]), "CT"),
        content_digest(voxels, np.eye(4), "MR"),
        content_digest(voxels.reshape(3, 2, 4), np.eye(4), "CT"),
        content_digest(voxels.astype(np.int32), np.eye(4), "CT"),
    }
    assert len(digests) == 6


def test_noise_of_a_nanometre_does_not_matter():
    voxels = np.zeros((2, 2, 2), np.uint8)
    assert content_digest(voxels, np.eye(4) + 1e-9, "") == content_digest(voxels, np.eye(4), "")
