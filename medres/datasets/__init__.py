"""Manifests, splits by patient, leak audits, masks and the tensor cache: lists of scans that may be learnt from.

Knows files and pixels; knows no network and no training. What is named here imports nothing heavy.
"""

from medres.datasets.manifest import Manifest, ManifestRow, read_manifest, write_manifest
from medres.datasets.split import Split, build_split
from medres.datasets.split_file import read_split, split_from_column, write_split

__all__ = [
    "Manifest",
    "ManifestRow",
    "Split",
    "build_split",
    "read_manifest",
    "read_split",
    "split_from_column",
    "write_manifest",
    "write_split",
]
