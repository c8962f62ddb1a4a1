"""Synthetic patients whose lesion is known to the millimetre: anatomy -> voxels -> DICOM, NIfTI and PNG files."""
