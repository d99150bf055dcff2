"""Compiling: the steps of a life by ``torch.compile``, anew for every life.

What is compiled depends on nothing that came before: no code is shared with the life before, sizes
are those of the batch and never general ones, and no limit turns the compiler off in silence. So a
life has the same bits in whichever process it is lived, and after a kill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.context import Context
from evoframe.kernel.events import Phase
from evoframe.kernel.life import Batch
from evoframe.kernel.modules.nested import tensors_within

MOST = 256
"""For how many sizes of batches a network is compiled."""

LIMITS = ("cache_size_limit", "accumulated_cache_size_limit")
"""Options of torch's compiler: how often it compiles."""

FAILS = "fail_on_recompile_limit_hit"
"""The option that it says so where it would not; older versions of torch have none."""


def require_compiler(backend: str) -> None:
    """Refuse to compile on a machine that cannot.

    Raises:
        ConfigError: what is missing, and what to do instead.
    """
    # Triton needs a compiler of C as well, so where there is a GPU it alone is tried.
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.compile(_tried, backend=backend, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:
        raise ConfigError(
            f"training.compile is {backend!r}, but that does not work here: {_reason(error)}. "
            "Wanted a backend of torch.compile; 'inductor' needs a C++ compiler such as g++, on a "
            "GPU triton too. Install that, or leave training.compile out."
        ) from error


def _tried(value: Tensor) -> Tensor:
    return value.sin() + value


@attrs.define(eq=False)
class Compiled:
    """The network of one life, compiled when it is first called.

    Attributes:
        backend: who compiles.
        context: of the life.
        called: the network as it is to be called.
        of: the network that was compiled.
        sizes: of the batches that it was compiled for.
    """

    backend: str
    context: Context
    called: nn.Module | None = None
    of: nn.Module | None = None
    sizes: set[Any] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        torch.compiler.reset()

    def network(self, network: nn.Module) -> nn.Module:
        """Return a network as it is to be called."""
        if self.called is None or self.of is not network:
            self.of, self.called = network, _compiled(network, self.backend)
            self.sizes.clear()
        return self.called

    @contextmanager
    def step(self, batches: Sequence[Batch]) -> Iterator[None]:
        """Take a step; one for which something is compiled is a phase of its own.

        Raises:
            TaskError: the network cannot be compiled.
        """
        sizes = tuple(tuple(one.shape) for batch in batches for one in tensors_within(batch))
        try:
            with _limits():
                if sizes in self.sizes:
                    yield
                    return
                with self.context.life.announcer.phase(Phase("compilation", self.context.id)):
                    yield
                self.sizes.add(sizes)
        except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001  no other name
            raise TaskError(
                f"the network of {self.context.id} cannot be compiled by {self.backend!r}: "
                f"{_reason(error)}. Leave training.compile out."
            ) from error


def _compiled(network: nn.Module, backend: str) -> nn.Module:
    found: Any = torch.compile(network, backend=backend, dynamic=False)
    return found  # type: ignore[no-any-return]


@contextmanager
def _limits() -> Iterator[None]:
    config = torch._dynamo.config  # noqa: SLF001  there is no public way
    wanted: dict[str, Any] = dict.fromkeys(LIMITS, MOST)
    if hasattr(config, FAILS):
        wanted[FAILS] = True
    with config.patch(wanted):
        yield


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).partition(". ")[0][:200] or type(error).__name__
