import gzip

import nibabel as nib
import numpy as np
import pytest

from medres import geometry
from medres.errors import IntakeError, MedresError
from medres.io.nifti import inspect_nifti, read_nifti
from tests.medres.io import nifti_phantom as phantom
from tests.shared_data import shared


def assert_marker(volume, value=1000):
    peak = np.unravel_index(int(np.argmax(volume.voxels)), volume.shape)
    assert np.allclose(geometry.apply_affine(volume.affine, peak), phantom.MARKER_MM, atol=1e-4)
    assert volume.voxels[peak] == value


def refused(path, code, **options):
    with pytest.raises(IntakeError) as caught:
        read_nifti(path, **options)
    assert caught.value.code == code
    series = inspect_nifti(path, headers_only=False, **options)
    assert (series.verdict, series.codes) == ("refused", (code,))
    assert series.message
    assert str(path.parent) not in series.message + str(caught.value)
    assert path.name not in series.message + str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr", "a.img"])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_every_form_of_file_gives_the_same_volume(tmp_path, name, big_endian, version):
    pair = name.endswith((".hdr", ".img"))
    kind = {(1, False): nib.Nifti1Image, (1, True): nib.Nifti1Pair, (2, False): nib.Nifti2Image}.get((version, pair))
    volume = read_nifti(phantom.write(tmp_path / name, kind=kind or nib.Nifti2Pair, big_endian=big_endian))
    assert_marker(volume)
    assert np.array_equal(volume.voxels, phantom.voxels())
    assert volume.voxels.dtype == np.dtype("int16")
    assert volume.codes == ()
    assert volume.origin.file_count == (2 if pair else 1)
    assert volume.orientation == "ALS"


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_every_real_type_is_read(tmp_path, dtype):
    volume = read_nifti(phantom.write(tmp_path / "a.nii.gz", phantom.voxels(dtype)))
    assert np.array_equal(volume.voxels, phantom.voxels(dtype))


def test_the_same_scan_has_the_same_digest_in_every_file(tmp_path):
    files = [phantom.write(tmp_path / n, big_endian=b) for n, b in (("a.nii", False), ("b.nii.gz", True))]
    digests = {read_nifti(path).origin.content_digest for path in (*files, files[0])}
    assert len(digests) == 1
    other = phantom.voxels()
    other[0, 0, 0] += 1
    assert read_nifti(phantom.write(tmp_path / "c.nii", other)).origin.content_digest not in digests


def test_forms_that_disagree_are_refused_until_one_is_chosen(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), srow_x3=phantom.affine()[0, 3] + 5.0)
    message = refused(path, "E_NIFTI_FORMS")
    assert "5.00 mm" in message
    assert "--nifti-frame" in message
    assert_marker(read_nifti(path, nifti_frame="qform"))
    moved = read_nifti(path, nifti_frame="sform")
    assert moved.affine[0, 3] == pytest.approx(phantom.affine()[0, 3] + 5.0)
    assert moved.notes == {"nifti_frame": "sform"}


def test_forms_that_disagree_by_less_than_the_limit_are_taken(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), srow_x3=phantom.affine()[0, 3] + 0.05)
    assert inspect_nifti(path, headers_only=False).verdict == "ok"


def test_forms_that_disagree_by_an_angle_are_refused(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), quatern_b=0.02)
    assert "degrees" in refused(path, "E_NIFTI_FORMS")


def test_no_form_at_all_means_no_side_is_known(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), sform_code=0, qform_code=0)
    volume = read_nifti(path)
    assert volume.codes == ("W_NIFTI_NO_SIDE",)
    assert (volume.frame, volume.orientation) == ("detector", "detector")
    assert volume.spacing_mm == pytest.approx(phantom.SPACING)
    series = inspect_nifti(path, headers_only=True)
    assert (series.verdict, series.orientation) == ("warned", "detector")


def test_slope_zero_means_unscaled(tmp_path):
    volume = read_nifti(phantom.patch(phantom.write(tmp_path / "a.nii"), scl_slope=0.0, scl_inter=7.0))
    assert volume.codes == ()
    assert np.array_equal(volume.voxels, phantom.voxels())


@pytest.mark.parametrize("slope", [float("nan"), float("inf")])
def test_slope_that_is_no_number_is_left_out_with_a_warning(tmp_path, slope):
    volume = read_nifti(phantom.patch(phantom.write(tmp_path / "a.nii"), scl_slope=slope, scl_inter=0.0))
    assert volume.codes == ("W_NIFTI_SCALE",)
    assert np.array_equal(volume.voxels, phantom.voxels())


def test_intercept_that_is_no_number_beside_a_slope_is_refused(tmp_path):
    refused(phantom.patch(phantom.write(tmp_path / "a.nii"), scl_slope=2.0, scl_inter=float("nan")), "E_NIFTI_HEADER")


def test_scaling_is_applied(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), scl_slope=0.5, scl_inter=-10.0)
    volume = read_nifti(path)
    assert volume.voxels.dtype == np.float32
    assert np.allclose(volume.voxels, nib.load(path).get_fdata())
    assert_marker(volume, 490.0)


def test_voxels_that_are_not_finite_are_counted_and_marked(tmp_path):
    values = phantom.voxels("float32")
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    volume = read_nifti(phantom.write(tmp_path / "a.nii.gz", values))
    assert volume.codes == ("W_NOT_FINITE",)
    assert volume.padding.sum() == 3
    assert volume.padding[0, 0, :3].all()
    assert "3 voxels" in inspect_nifti(tmp_path / "a.nii.gz", headers_only=False).message


def test_a_volume_that_is_mostly_not_finite_is_refused(tmp_path):
    values = phantom.voxels("float32")
    values[:4] = np.nan
    assert "120" in refused(phantom.write(tmp_path / "a.nii", values), "E_NOT_FINITE")


def test_four_dimensions_with_one_volume_are_squeezed(tmp_path):
    assert_marker(read_nifti(phantom.write(tmp_path / "a.nii", phantom.voxels()[..., None])))


def test_several_volumes_are_refused_until_one_is_chosen(tmp_path):
    stack = np.stack([phantom.voxels() * 0, phantom.voxels(), phantom.voxels() * 0], axis=-1)
    path = phantom.write(tmp_path / "a.nii.gz", stack)
    assert "got 3" in refused(path, "E_SERIES_AMBIGUOUS")
    assert_marker(read_nifti(path, volume_index=1))
    assert inspect_nifti(path, headers_only=False, volume_index=1).verdict == "ok"
    refused(path, "E_SERIES_AMBIGUOUS", volume_index=3)


def test_spacing_that_is_not_true_turns_millimetres_off(tmp_path):
    volume = read_nifti(phantom.write(tmp_path / "a.nii"), spacing_known=False)
    assert volume.codes == ("W_SPACING_UNKNOWN",)
    assert not volume.spacing_known


@pytest.mark.parametrize("what", ["complex64", "rgb", "float128"])
def test_types_that_are_no_real_number_are_refused(tmp_path, what):
    types = {"complex64": (32, 64), "rgb": (128, 24), "float128": (1536, 128)}
    datatype, bits = types[what]
    refused(phantom.patch(phantom.write(tmp_path / "a.nii"), datatype=datatype, bitpix=bits), "E_NIFTI_TYPE")


def test_two_dimensions_are_refused(tmp_path):
    assert "got 2" in refused(phantom.patch(phantom.write(tmp_path / "a.nii"), dim0=2), "E_NIFTI_TYPE")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 9999, (20, 20, 20)).astype(np.int16)
    path = phantom.write(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "E_TRUNCATED")


def test_a_flipped_byte_in_a_compressed_stream_is_refused(tmp_path):
    path = phantom.write(tmp_path / "a.nii.gz")
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # the checksum
    path.write_bytes(bytes(data))
    refused(path, "E_TRUNCATED")


def test_an_empty_file_and_a_text_file_are_refused(tmp_path):
    (tmp_path / "a.nii").write_bytes(b"")
    refused(tmp_path / "a.nii", "E_TRUNCATED")
    (tmp_path / "b.nii").write_text("no scan " * 100)
    refused(tmp_path / "b.nii", "E_NIFTI_HEADER")


@pytest.mark.parametrize(
    "fault",
    [
        {"dim1": -7},
        {"dim2": 0},
        {"dim0": 0},
        {"dim0": 9},
        {"datatype": 77},
        {"bitpix": 8},
        {"vox_offset": 8.0},
        {"vox_offset": float("nan")},
        {"srow_x0": float("nan")},
        {"xyzt_units": 5},
        {"xyzt_units": -70},
        {"sform_code": 39},
        {"pixdim0": 3.0},
        {"quatern_b": 2.0},
    ],
)
def test_a_header_that_cannot_be_used_is_refused(tmp_path, fault):
    refused(phantom.patch(phantom.write(tmp_path / "a.nii"), **fault), "E_NIFTI_HEADER")


@pytest.mark.parametrize("magic", [b"abc\0", b"n+1x", b"\0\0\0\0"])
def test_bad_magic_is_refused(tmp_path, magic):
    path = phantom.write(tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[344:348] = magic
    path.write_bytes(bytes(data))
    refused(path, "E_NIFTI_HEADER")


def test_a_nifti_2_file_that_was_transferred_as_text_is_refused(tmp_path):
    path = phantom.write(tmp_path / "a.nii", kind=nib.Nifti2Image)
    path.write_bytes(path.read_bytes().replace(b"\r\n\x1a\n", b"\n\x1a\n\0", 1))
    refused(path, "E_NIFTI_HEADER")


def test_a_singular_affine_is_refused(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii"), qform_code=0, srow_x0=0.0)
    data = bytearray(path.read_bytes())
    data[280:296] = bytes(16)
    path.write_bytes(bytes(data))
    assert "mm³" in refused(path, "E_NIFTI_HEADER")


def test_compression_is_told_by_bytes_not_by_name(tmp_path):
    plain, packed = phantom.write(tmp_path / "a.nii"), phantom.write(tmp_path / "b.nii.gz")
    plain.rename(tmp_path / "c.nii.gz")
    packed.rename(tmp_path / "d.nii")
    for path in (tmp_path / "c.nii.gz", tmp_path / "d.nii"):
        volume = read_nifti(path)
        assert volume.codes == ("W_NIFTI_NAME",)
        assert_marker(volume)


def test_a_header_of_32767_cubed_is_refused_before_memory_is_taken(tmp_path):
    path = phantom.patch(phantom.write(tmp_path / "a.nii.gz"), dim1=32767, dim2=32767, dim3=32767)
    assert "35181150961663" in refused(path, "E_SIZE_LIMIT")


def test_a_gzip_bomb_is_refused_within_its_cap(tmp_path):
    path = phantom.write(tmp_path / "a.nii.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(200_000_000)))
    refused(path, "E_SIZE_LIMIT")


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000.0), (3, 0.001), (0, 1.0)])
def test_units_are_turned_into_millimetres(tmp_path, unit, factor):
    volume = read_nifti(phantom.patch(phantom.write(tmp_path / "a.nii"), xyzt_units=unit))
    assert volume.spacing_mm == pytest.approx(np.array(phantom.SPACING) * factor)
    assert volume.affine[:3, 3] == pytest.approx(phantom.affine()[:3, 3] * factor)


def test_names_in_text_fields_are_shown_nowhere(tmp_path):
    path = phantom.write(tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[148:157] = b"Doe^Jane "
    path.write_bytes(bytes(data))
    assert "Doe" not in repr(inspect_nifti(path, headers_only=False)) + repr(read_nifti(path))


def test_modality_is_taken_from_the_caller_only(tmp_path):
    path = phantom.write(tmp_path / "a.nii")
    assert (read_nifti(path).modality, read_nifti(path, modality="ct").unit) == ("", "HU")
    assert inspect_nifti(path, headers_only=True, modality="mr").modality == "MR"


def test_a_header_without_its_image_is_refused_with_a_reason(tmp_path):
    path = phantom.write(tmp_path / "a.hdr", kind=nib.Nifti1Pair)
    (tmp_path / "a.img").unlink()
    assert ".img" in refused(path, "E_TRUNCATED")


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["CT_AVM.nii.gz", "MR_Gd.nii.gz", "anatomical.nii", "chris_t1.nii.gz", "spm152.nii.gz", "standard.nii.gz"]
)
def test_real_volumes_equal_nibabels(name):
    path = shared(f"data/nifti/{name}")
    volume, reference = read_nifti(path), nib.load(path)
    assert np.array_equal(volume.voxels, np.asarray(reference.dataobj).astype(volume.voxels.dtype))
    assert np.allclose(volume.affine, reference.affine, atol=1e-3)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("example4d.nii.gz", "E_SERIES_AMBIGUOUS"),
        ("example_nifti2.nii.gz", "E_SERIES_AMBIGUOUS"),
        ("nifti1.hdr", "E_TRUNCATED"),
        ("analyze.hdr", "E_NIFTI_HEADER"),
    ],
)
def test_real_files_that_are_no_single_volume_are_refused(name, code):
    series = inspect_nifti(shared(f"data/nifti/{name}"), headers_only=False)
    assert (series.verdict, series.codes) == ("refused", (code,))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["example4d.nii.gz", "example_nifti2.nii.gz"])
def test_one_volume_of_a_real_four_dimensional_file_equals_nibabels(name):
    path = shared(f"data/nifti/{name}")
    assert np.array_equal(read_nifti(path, volume_index=1).voxels, np.asarray(nib.load(path).dataobj)[..., 1])


def test_a_place_with_nothing_is_named_by_code_only(tmp_path):
    with pytest.raises(MedresError, match="E_NOT_FOUND") as caught:
        read_nifti(tmp_path / "secret.nii")
    assert "secret" not in str(caught.value)
