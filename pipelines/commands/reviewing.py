"""What readers recorded: the commands about the trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.program import OutOption, app, run_recipe

review_app = typer.Typer(help="Prove and export what readers recorded.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(review_app, name="review")
ReviewStoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="results folder, review file or database URL", show_default=False)
]
KeyFileOption = Annotated[Path | None, typer.Option("--key-file", help="the site's key; its own by default")]


@review_app.command("verify", epilog="Example: medres review verify scores --head 12-4f0c...")
def review_verify(
    store: ReviewStoreArgument,
    head: Annotated[str | None, typer.Option("--head", help="as printed earlier; finds a trail that was cut")] = None,
    key_file: KeyFileOption = None,
) -> None:
    """Find a changed, removed or cut entry; print the head to keep elsewhere."""
    run_recipe("review", action="verify", **locals())


@review_app.command("export", epilog="Example: medres review export scores --out readings")
def review_export(
    store: ReviewStoreArgument,
    out: OutOption,
    folder: Annotated[Path | None, typer.Option("--folder", help="results or scans that were read")] = None,
    key_file: KeyFileOption = None,
) -> None:
    """Write a manifest for the next training and the report of agreement between readers and model."""
    run_recipe("review", action="export", **locals())
