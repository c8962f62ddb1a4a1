"""What lies in a folder: the commands that read scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import (
    CineOption,
    FrameOption,
    GapsOption,
    ModalityOption,
    SeriesOption,
    Source,
    UnevenOption,
    app,
    run_recipe,
)


@app.command(epilog="Example: medres inspect exports/ --json > inventory.json")
def inspect(
    path: Source,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="quick look: headers only")] = False,
    modality: ModalityOption = None,
    nifti_frame: FrameOption = None,
    frame: CineOption = None,
    allow_gaps: GapsOption = False,
    resample_uneven: UnevenOption = False,
) -> None:
    """List every series with its verdict, and every skipped file with its reason."""
    run_recipe("inspect", **locals())


@app.command(epilog="Example: medres convert exports/ct ct.nii.gz")
def convert(
    path: Source,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="NIfTI file, or folder for every series", show_default=False)
    ],
    series: SeriesOption = None,
    nifti_frame: FrameOption = None,
    frame: CineOption = None,
    allow_gaps: GapsOption = False,
    resample_uneven: UnevenOption = False,
) -> None:
    """Write one series as NIfTI, or all into a folder: HU for CT, exact affine."""
    run_recipe("convert", **locals())


@app.command(epilog="Example: medres link 3f9c0a1b2c3d4e5f")
def link(
    key: Annotated[str, typer.Argument(metavar="KEY", help="a pseudonym: 16 hex digits", show_default=False)],
    key_file: Annotated[Path | None, typer.Option("--key-file", help="the site's key; its own by default")] = None,
) -> None:
    """Show which patient a pseudonym stands for, from this site's own table."""
    run_recipe("link", **locals())
