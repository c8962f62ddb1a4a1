import contextlib

import hypothesis.strategies as st
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings

from medres.errors import IntakeError, SpecError
from medres.io.nifti_header import has_nifti_magic, header_kind, parse_header
from tests.medres.io import nifti_phantom as phantom


def block(tmp_path, **fields):
    return phantom.patch(phantom.write(tmp_path / "a.nii"), **fields).read_bytes()[:540]


def test_first_number_tells_version_and_byte_order(tmp_path):
    assert header_kind(block(tmp_path)) == (348, "<")
    assert header_kind(phantom.write(tmp_path / "b.nii", big_endian=True).read_bytes()) == (348, ">")
    assert header_kind(phantom.write(tmp_path / "c.nii", kind=nib.Nifti2Image).read_bytes()) == (540, "<")
    assert header_kind(b"text") is None
    assert not has_nifti_magic(b"")


def test_the_qform_alone_equals_nibabels(tmp_path):
    header = parse_header(block(tmp_path, sform_code=0))
    assert header.forms_used == "qform"
    assert np.allclose(header.affine, phantom.affine(), atol=1e-4)


def test_pixdim_zero_of_zero_counts_as_one(tmp_path):
    assert np.allclose(parse_header(block(tmp_path, pixdim0=0.0)).affine, phantom.affine(), atol=1e-4)


def test_a_rotation_of_180_degrees_survives_the_quaternions_rounding(tmp_path):
    turned = np.diag([-0.7, -0.7, 3.0, 1.0])
    turned[:3, 3] = 180.3, 150.1, -901.7
    image = nib.Nifti1Image(np.zeros((512, 512, 4), np.int16), turned)
    image.set_qform(turned, 1)
    image.set_sform(turned, 1)
    nib.save(image, tmp_path / "a.nii")
    header = parse_header((tmp_path / "a.nii").read_bytes()[:540])
    assert header.forms_used == "sform"


def test_the_frame_to_take_must_be_a_word_of_the_list(tmp_path):
    with pytest.raises(SpecError, match="sform or qform"):
        parse_header(block(tmp_path), "rform")


def test_equal_grids_have_equal_keys_and_others_do_not(tmp_path):
    first = parse_header(block(tmp_path)).key
    assert first == parse_header(block(tmp_path)).key
    assert first != parse_header(block(tmp_path, sform_code=0, qform_code=0)).key


@settings(max_examples=300, deadline=None)
@given(data=st.binary(min_size=0, max_size=540))
def test_any_bytes_give_a_header_or_a_named_fault(data):
    for start in (b"", b"\x5c\x01\0\0", b"\x1c\x02\0\0n+2\0\r\n\x1a\n"):
        with contextlib.suppress(IntakeError):
            parse_header(start + data)
