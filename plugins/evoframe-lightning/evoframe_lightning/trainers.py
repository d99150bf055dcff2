"""Lightning's ``Trainer``, made so that it leaves everything but learning to the run.

It says nothing, writes nothing but in a folder that is not kept, looks for no cluster, and lets go
of the network when it is done.
"""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from evoframe_lightning.libraries import needed

TALKERS = ("lightning", "lightning.pytorch", "lightning.fabric", "pytorch_lightning",
           "lightning_fabric")  # fmt: skip
"""The loggers by which it speaks."""

NOT_ATTACHED = r".*self\.trainer` reference is not registered.*"
"""How it warns where something is logged without a trainer."""


@contextmanager
def trainer_of(library: str, device: torch.device, **options: Any) -> Iterator[Any]:
    """Give a trainer for the length of a block.

    Args:
        library: whose.
        device: where it computes.
        **options: arguments of ``Trainer``; the logger stands for any if none is given.
    """
    lightning = needed(library)
    fabric = "lightning.fabric" if library == "lightning.pytorch" else "lightning_fabric"
    environments = needed(f"{fabric}.plugins.environments")
    loggers = needed(f"{library}.loggers.logger")
    with TemporaryDirectory() as folder, quiet(), own_interrupts() as interrupts:
        given = {"logger": loggers.DummyLogger(), "strategy": single(library, device), **options}
        interrupts.append(
            trainer := lightning.Trainer(
                accelerator="gpu" if device.type == "cuda" else device.type,
                devices=[device.index or 0] if device.type == "cuda" else 1,
                plugins=[environments.LightningEnvironment()],  # or it would ask SLURM
                default_root_dir=folder,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                inference_mode=False,
                **given,
            )
        )
        yield trainer


class Pass:
    """Batches as a loader; a list of them would be taken for several loaders."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


def single(library: str, device: torch.device) -> Any:
    """Return the strategy that computes on one device."""
    return needed(f"{library}.strategies").SingleDeviceStrategy(device=device)


def let_go(network: nn.Module, device: torch.device) -> None:
    """Take a network back from a trainer, which moves it to the CPU and stays known to it."""
    for module in network.modules():
        if "_trainer" in vars(module):
            vars(module)["_trainer"] = None
    network.to(device)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence its advice for the length of a block; errors are still told."""
    talkers = [logging.getLogger(name) for name in TALKERS]
    levels = [one.level for one in talkers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(lightning|pytorch_lightning|torchmetrics)\b.*")
        warnings.filterwarnings("ignore", message=NOT_ATTACHED)
        for one in talkers:
            one.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for one, level in zip(talkers, levels, strict=True):
                one.setLevel(level)


@contextmanager
def own_interrupts() -> Iterator[list[Any]]:
    """Let Ctrl-C within a block be what it is outside of it.

    Lightning makes an exit of it, after which the process hears of no further one.

    Yields:
        The trainers of the block, to be filled.
    """
    trainers: list[Any] = []
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield trainers
    except SystemExit as error:
        if any(one.interrupted for one in trainers) and isinstance(
            error.__context__, KeyboardInterrupt
        ):
            raise KeyboardInterrupt from error
        raise
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
