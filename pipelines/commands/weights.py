"""Weights that others have published: the commands that list, fetch, prove and look into them."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.program import app, run_recipe

weights_app = typer.Typer(
    help="List, fetch, prove and look into weights to start from.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(weights_app, name="weights")


@weights_app.command("list", epilog="Example: medres weights list")
def weights_list() -> None:
    """List the known sources, with licence, and whether their file is here."""
    run_recipe("weights", action="list")


@weights_app.command("fetch", epilog="Example: medres weights fetch resnet18-imagenet-v1")
def weights_fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="as in the list", show_default=False)],
) -> None:
    """Fetch weights, going on where a download stopped; kept only when proved."""
    run_recipe("weights", action="fetch", **locals())


@weights_app.command("verify", epilog="Example: medres weights verify")
def weights_verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="none: all that are here")] = None,
) -> None:
    """Compare the SHA-256 of fetched files with what was published or pinned; exit status 3 where one differs."""
    run_recipe("weights", action="verify", **locals())


@weights_app.command("inspect", epilog="Example: medres weights inspect weights.pth --network resnet18 --dims 3")
def weights_inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file, TrainedModel, or source", show_default=False)],
    network: Annotated[str | None, typer.Option("--network", help="show what loading into it would do")] = None,
    dims: Annotated[int, typer.Option("--dims", help="2 or 3; 0: as the file's", min=0, max=3)] = 0,
    channels: Annotated[int, typer.Option("--channels", help="of the network's input", min=1)] = 1,
    labels: Annotated[int, typer.Option("--labels", help="logits of the network", min=2)] = 2,
    carry: Annotated[str | None, typer.Option("--carry", help="2D weights in 3D: inflate or acs")] = None,
    shortcut: Annotated[str, typer.Option("--shortcut", help="of a residual network: A or B")] = "B",
    stem: Annotated[str, typer.Option("--stem", help="standard or small")] = "standard",
    width: Annotated[float, typer.Option("--width", help="share of the published channels")] = 1.0,
) -> None:
    """Show what a file holds, and which weights of a network it would give; exit status 1 where it would be refused."""
    options = locals()
    run_recipe("weights", action="inspect", names=[options.pop("file")], **options)
