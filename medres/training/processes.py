"""Several processes that train one network: who am I, what did the others find, what is the sum.

One process is the usual case, and then everything here gives its argument back. Knows no network and no data.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor, distributed, nn

T = TypeVar("T")
RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")  # set by torchrun, SLURM, Lightning's launcher


def is_leader() -> bool:
    """Tell whether this process writes, before the processes have met.

    Example:
        >>> is_leader()
        True
    """
    found = [os.environ[name] for name in RANKS if os.environ.get(name, "").isdigit()]
    return not found or found[0] == "0"


def my_place() -> tuple[int, int]:
    """Give (rank, processes), once the processes have met; (0, 1) alone."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def part_ways() -> bool:
    """End the meeting of processes after a training.

    Returns:
        Whether this process is the leader, which goes on to write the model.
    """
    leads = is_leader()
    if my_place()[1] > 1:
        distributed.barrier()
        distributed.destroy_process_group()
    return leads


def mean_share(total: Tensor) -> Tensor:
    """Give the mean over processes of a number, without gradient; alone the number itself.

    Args:
        total: (), such as the divisor of a loss.
    """
    _, count = my_place()
    if count == 1:
        return total
    found = total.detach().clone()
    distributed.all_reduce(found)
    return found / count


def gather(own: Sequence[T]) -> list[T]:
    """Bring what every process holds together, in the order of ranks.

    Args:
        own: picklable things of this process.
    """
    _, count = my_place()
    if count == 1:
        return list(own)
    parts: list[list[T]] = [[] for _ in range(count)]
    distributed.all_gather_object(parts, list(own))
    return [one for part in parts for one in part]


def agree_on_buffers(network: nn.Module) -> None:
    """Give every process the leader's running means, so that all judge the same network.

    Args:
        network: its buffers are changed in place.
    """
    if my_place()[1] > 1:
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)


def shard(batches: Sequence[T]) -> Sequence[T]:
    """Take this process's batches; all of them where there are fewer than processes.

    Args:
        batches: of one epoch.
    """
    rank, count = my_place()
    return batches if len(batches) < count else batches[rank::count]


def is_sharded(batches: int) -> bool:
    """Tell whether `shard` parts so many batches among the processes."""
    return 1 < my_place()[1] <= batches
