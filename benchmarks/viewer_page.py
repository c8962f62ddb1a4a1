"""One synthetic study, shown by our canvas or the plain way; run by benchmarks/viewer.py.

?way=canvas, ?way=plain or ?way=niivue, ?shape=256x256x128.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import streamlit as st

from app.components.viewer import draw_viewer
from app.doors import SHELF, address
from app.state.studies import OpenStudy, open_volume
from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER
from medres.results.figures import render_slice
from medres.results.windows import DisplayWindow
from medres.review.scene import describe_heatmap, encode_heat
from medres.review.worklist import WorklistItem
from medres.volume import Volume

CELLS = 8


@st.cache_resource(max_entries=1)
def make(shape: tuple[int, int, int]) -> tuple[Volume, Heatmap]:
    """A CT of noise, as intake leaves it in memory, and a heatmap of 8 x 8 x 8 cells."""
    noise = np.random.default_rng(0).integers(-200, 300, (shape[0], shape[1], 16)).astype(np.int16)
    voxels = np.asfortranarray(np.tile(noise, (1, 1, shape[2] // 16 + 1))[..., : shape[2]])
    volume = Volume(voxels, np.diag([-0.8, -0.8, 1.5, 1.0]), "CT", "HU")
    relevance = np.zeros((CELLS, CELLS, CELLS), np.float32)
    relevance[3:6, 3:6, 3:6] = 0.6
    relevance[4, 4, 4] = 1.0
    affine = geometry.scaled_affine(volume.affine, np.array(shape) / CELLS)
    heat = Heatmap(
        relevance, affine, "lesion", "layer4", "Grad-CAM", 1.0, 0.3, "explanation.json", volume.affine, shape
    )
    return volume, heat


@st.fragment
def plain(volume: Volume, heat: Heatmap) -> None:
    """The plain way: a slider, a window, and three pictures from the server."""
    index = st.slider("Slice", 0, volume.shape[2] - 1, volume.shape[2] // 2)
    width = st.slider("Width", 10, 2000, 400, step=10)
    window = DisplayWindow(40, width)
    for plane, place in (("axial", index), ("coronal", volume.shape[1] // 2), ("sagittal", volume.shape[0] // 2)):
        picture = render_slice(volume, plane, place, window, heatmap=heat)  # type: ignore[arg-type]
        st.image(picture, output_format="PNG")


@st.cache_resource(max_entries=1)
def opened(shape: tuple[int, int, int]) -> OpenStudy:
    """The study as the viewer keeps an open one."""
    return open_volume(WorklistItem("benchmark", "benchmark", "unscored", "CT"), make(shape)[0])


def canvas(shape: tuple[int, int, int]) -> None:
    """Our way."""
    study, heat = opened(shape), make(shape)[1]
    if "tokens" not in st.session_state:
        st.session_state.tokens = [SHELF.put(study.buffer.content), SHELF.put(encode_heat(heat))]
    scene = {**study.described}
    scene["volume"] = {**scene["volume"], "url": address(st.session_state.tokens[0])}
    scene["heatmaps"] = [{**describe_heatmap(heat), "model": "none", "url": address(st.session_state.tokens[1])}]
    scene |= {"study": "benchmark", "captions": {"study": "benchmark", "model": "none", "disclaimer": DISCLAIMER}}
    draw_viewer(scene, "viewer")


_peer = st.components.v2.component("benchmark.peer", js=Path(__file__).with_name("viewer_peer.js").read_text())


@st.cache_resource(max_entries=1)
def nifti(shape: tuple[int, int, int]) -> tuple[memoryview, memoryview]:
    """The same study and heatmap as NIfTI files, not compressed."""
    volume, heat = make(shape)
    images = (nib.Nifti1Image(volume.voxels, volume.affine), nib.Nifti1Image(heat.relevance, heat.affine))
    return memoryview(images[0].to_bytes()), memoryview(images[1].to_bytes())


def peer(shape: tuple[int, int, int]) -> None:
    """NiiVue, on the same page and from the same doors."""
    if "tokens" not in st.session_state:
        st.session_state.tokens = [SHELF.put(content) for content in nifti(shape)]
    volume, heat = (address(token) for token in st.session_state.tokens)
    _peer(key="peer", data={"volume": volume, "heat": heat})


st.set_page_config(layout="wide")
i, j, k = (int(n) for n in st.query_params["shape"].split("x"))
if st.query_params["way"] == "plain":
    plain(*make((i, j, k)))
elif st.query_params["way"] == "niivue":
    peer((i, j, k))
else:
    canvas((i, j, k))
