"""Networks with cost and AUROC -> a table, a plot of one against the other, and the answer to "does it pay?".

Knows no network and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from medres.evaluation.comparison import Difference
from medres.evaluation.estimate import Estimate
from medres.models.cost import NetworkCost
from medres.results.disclaimer import Stamp
from medres.results.plots import finish

COLUMNS = (
    "network",
    "parameters_million",
    "gflops",
    "training_memory_mb",
    "latency_ms",
    "training_minutes",
    "auroc",
    "auroc_lower",
    "auroc_upper",
    "difference",
    "difference_lower",
    "difference_upper",
    "difference_level",
    "p",
    "method",
)


@dataclass(frozen=True)
class ComparedNetwork:
    """One network of a comparison.

    Attributes:
        name: such as "resnet18" or "resnet18:0.5".
        cost: of one forward pass of one scan or view.
        memory_bytes: of one step of its training, estimated.
        seconds: of its training, all folds.
        auroc: out-of-fold AUROC (macro with three classes and more).
        difference: its AUROC minus that of the cheapest; None for the cheapest.
    """

    name: str
    cost: NetworkCost
    memory_bytes: int
    seconds: float
    auroc: Estimate
    difference: Difference | None


def comparison_rows(networks: Sequence[ComparedNetwork]) -> list[list[str]]:
    """Give the table's cells, one row for each network, as `COLUMNS` names them.

    Args:
        networks: from the cheapest on.

    Returns:
        Rows of text; a number that does not exist is empty.
    """
    return [
        [
            one.name,
            f"{one.cost.parameters / 1e6:.2f}",
            f"{one.cost.gflops:.3g}",
            f"{one.memory_bytes / 1e6:.0f}",
            f"{one.cost.latency_ms:.1f}",
            f"{one.seconds / 60:.1f}",
            *(_number(value) for value in (one.auroc.value, one.auroc.lower, one.auroc.upper)),
            *_difference_cells(one.difference),
        ]
        for one in networks
    ]


def _difference_cells(found: Difference | None) -> list[str]:
    if found is None:
        return ["", "", "", "", "", ""]
    values = (found.difference, found.lower, found.upper)
    return [*map(_number, values), _number(found.level), "" if found.p is None else f"{found.p:.3g}", found.method]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def verdict(networks: Sequence[ComparedNetwork]) -> tuple[str, ...]:
    """Answer for each dearer network whether it pays, on these folds.

    Args:
        networks: from the cheapest on; differences with intervals of `shared_level`.

    Returns:
        One sentence for each network after the first.
    """
    first = networks[0]
    return tuple(_answer(first, one) for one in networks[1:])


def _answer(first: ComparedNetwork, one: ComparedNetwork) -> str:
    """Say what a network costs more and what it gives for it."""
    times = one.cost.gflops / first.cost.gflops if first.cost.gflops else float("nan")
    gap = one.difference
    price = f"{one.name} computes {times:.1f} times as much as {first.name}"
    if gap is None or gap.difference is None:
        return f"{price}; their AUROC cannot be compared ({gap.reason if gap else 'no scores'})."
    told = f"{price}, and its AUROC differs by {gap.difference:+.3f}"
    if gap.lower is None or gap.upper is None:
        return f"{told}, without an interval: no answer."
    interval = f"{told} ({100 * gap.level:.3g} % interval {gap.lower:+.3f} to {gap.upper:+.3f}, paired)"
    if gap.lower > 0:
        return f"{interval}: it pays here."
    if gap.upper < 0:
        return f"{interval}: it is worse here."
    return f"{interval}: no gain that these {gap.n} scans can show; a gain above {gap.upper:.3f} is unlikely."


def cost_plot(networks: Sequence[ComparedNetwork], stamp: Stamp) -> bytes:
    """Draw AUROC with its interval against operations.

    Args:
        networks: to draw; those without an AUROC are left out.
        stamp: experiment, version and day.

    Returns:
        A PNG file's bytes.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for one in networks:
        if one.auroc.value is None:
            continue
        lower = one.auroc.value if one.auroc.lower is None else one.auroc.lower
        upper = one.auroc.value if one.auroc.upper is None else one.auroc.upper
        spans = [[one.auroc.value - lower], [upper - one.auroc.value]]
        axes.errorbar([one.cost.gflops], [one.auroc.value], yerr=spans, fmt="o", capsize=3)
        place = (one.cost.gflops, one.auroc.value)
        axes.annotate(one.name, place, xytext=(6, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    counts = sorted({one.cost.gflops for one in networks})
    axes.set_xticks(counts, [f"{count:.3g}" for count in counts], rotation=30)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.2)
    axes.set(xlabel="operations of one forward pass, GFLOPs (log scale)", ylabel="out-of-fold AUROC, 95 % interval")
    axes.grid(alpha=0.3)
    return finish(figure, stamp)
