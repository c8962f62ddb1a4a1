"""Several processes that train one network: who am I, what did the others find, what is the sum.

One process is the usual case, and then everything here gives its argument back. Knows no network and no data.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor, distributed, nn

from medres.errors import TrainingError

T = TypeVar("T")
RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")  # set by torchrun, SLURM, Lightning's launcher
LAUNCHED = (("LOCAL_WORLD_SIZE", "WORLD_SIZE"), ("SLURM_NTASKS_PER_NODE", "SLURM_STEP_NUM_TASKS"))  # torchrun, srun
TORN = ("gloo", "nccl", "peer", "connection", "broken pipe", "socket", "timed out")  # words of a meeting that broke


def find_launched() -> tuple[int, int] | None:
    """Count the processes that torchrun or srun has started.

    Returns:
        (processes on this machine, machines), or None where nobody but the user has started this one.

    Example:
        >>> find_launched() is None
        True
    """
    for own, whole in LAUNCHED:
        counts = [os.environ.get(name, "") for name in (own, whole)]
        if all(count.isdigit() and int(count) > 0 for count in counts):
            return int(counts[0]), max(1, int(counts[1]) // int(counts[0]))
    return None


def count_devices(asked: int) -> int:
    """Take as many devices of this machine as torchrun or srun has started processes, else as many as asked for.

    Args:
        asked: by the user; 1 where nothing was said.

    Raises:
        TrainingError: `E_USAGE` where both were said and differ.
    """
    found = find_launched()
    if found is None:
        return asked
    if asked not in (1, found[0]):
        told = f"--devices must be the processes that were started on each machine ({found[0]}), got {asked}"
        raise TrainingError("E_USAGE", told, "leave --devices out under torchrun or srun")
    return found[0]


def count_machines() -> int:
    """Count the machines that train together."""
    found = find_launched()
    return 1 if found is None else found[1]


def is_torn(fault: RuntimeError) -> bool:
    """Tell whether a fault says that another process has left the meeting.

    Args:
        fault: of torch.
    """
    return my_place()[1] > 1 and any(word in str(fault).lower() for word in TORN)


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
