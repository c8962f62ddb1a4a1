"""A page with one phantom in the viewer, named by ?phantom=; run by the browser tests."""

import streamlit as st

from app.components.viewer import draw_viewer
from app.doors import SHELF, address
from medres.results.disclaimer import DISCLAIMER
from medres.review.scene import describe_heatmap, describe_volume, encode_heat, encode_voxels
from tests.browser import phantoms

st.set_page_config(layout="wide")
name = st.query_params["phantom"]
volume = phantoms.volume(name)
heat = phantoms.heatmap(volume)
buffer = encode_voxels(volume)
if "tokens" not in st.session_state:
    st.session_state.tokens = [SHELF.put(buffer.content), SHELF.put(encode_heat(heat))]
scene = describe_volume(volume, buffer.kind)
scene["volume"]["url"] = address(st.session_state.tokens[0])
scene["heatmaps"] = [{**describe_heatmap(heat), "model": "phantom 1.0", "url": address(st.session_state.tokens[1])}]
scene |= {"study": name, "captions": {"study": "study 1", "model": "phantom 1.0", "disclaimer": DISCLAIMER}}
draw_viewer(scene, "viewer")
