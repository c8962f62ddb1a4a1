"""The program itself, the options that several commands share, and how a command finds its recipe."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="medres",
    help="From a DICOM or NIfTI scan to a tumour score that can be trusted, shown and reported. "
    "Research use only. Not a medical device; not for diagnosis or treatment decisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Source = Annotated[Path, typer.Argument(metavar="PATH", help="a folder or one file", show_default=False)]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="a TrainedModel folder", show_default=False)]
ManifestOption = Annotated[Path, typer.Option("--manifest", help="CSV: patient_id, path, label, ...")]
SplitOption = Annotated[Path | None, typer.Option("--split", help="split file made by medres split")]
OutOption = Annotated[Path, typer.Option("--out", help="where results go")]
SeriesOption = Annotated[str | None, typer.Option("--series", help="key of one series, as inspect shows it")]
ModalityOption = Annotated[str | None, typer.Option("--modality", help="for files that do not say: CT, MR, US, ...")]
FrameOption = Annotated[str | None, typer.Option("--nifti-frame", help="sform or qform, where they disagree")]
CineOption = Annotated[int | None, typer.Option("--frame", min=1, help="one frame of a cine (ultrasound), from 1")]
GapsOption = Annotated[bool, typer.Option("--allow-gaps", help="fill missing slices; not for clinical use")]
UnevenOption = Annotated[bool, typer.Option("--resample-uneven", help="even out uneven slices; not for clinical use")]
EngineOption = Annotated[str, typer.Option("--engine", help="torch or openvino")]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:0")]
PrecisionOption = Annotated[str, typer.Option("--precision", help="fp32 or bf16")]


def run_recipe(command: str, **options: Any) -> None:
    """Import one command's recipe, run it and leave with its exit status."""
    raise typer.Exit(importlib.import_module(f"pipelines.{command}").run(**options) or 0)
