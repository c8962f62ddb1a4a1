"""Where scans are added from the page. Asks only; medres decides what is taken."""

from __future__ import annotations

import streamlit as st

from app import state
from medres.errors import MedresError

KINDS = ["zip", "nii", "gz", "dcm", "png", "jpg", "jpeg"]
MODALITIES = ["", "CT", "MR", "US", "DX", "CR", "MG", "PT"]
UNKNOWN = "the files say it"


def draw_upload() -> None:
    """Draw the place for an upload, and the way back from one."""
    if state.shows_upload():
        st.info("These are uploaded scans. They are kept for this session only.")
        if st.button("Back to the folder"):
            state.leave_upload()
            st.rerun()
    with st.expander("Add scans: a zip of DICOM files, a NIfTI file or a picture"), st.form("upload", border=False):
        given = st.file_uploader("File", type=KINDS)
        modality = st.selectbox("Modality", MODALITIES, format_func=lambda word: word or UNKNOWN)
        sent = st.form_submit_button("Open these scans")
    if sent and given is not None:
        try:
            state.receive_upload(given.name, given, modality or None)
        except MedresError as fault:
            st.error(str(fault))
            return
        st.rerun()
