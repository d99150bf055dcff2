"""What stays with living channels and what leaves with dead ones, each the other's dual."""

from __future__ import annotations

import ast
import doctest
from functools import cache
from pathlib import Path

import attrs
import torch
from hypothesis import given, strategies as st

import evoframe
from evoframe import anatomy
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.plan import bundles as module
from evoframe.anatomy.plan.bundles import Bundles
from evoframe.roles.task import WITH_SYNAPSES
from networks import NETWORKS


def test_the_worked_example_holds() -> None:
    assert doctest.testmod(module).failed == 0


@cache
def bundles_of(name: str) -> Bundles:
    torch.manual_seed(0)
    network = NETWORKS[name].make().double().eval()
    names = [n for n, one in network.named_modules() if isinstance(one, WITH_SYNAPSES)]
    weights = {f"{name}.weight" for name in names[:-1]} & dict(network.named_parameters()).keys()
    weights |= set(NETWORKS[name].matrices)
    return anatomy.survey(network, NETWORKS[name].example(), sorted(weights)).bundles


@st.composite
def tables(draw) -> Bundles:
    """Two layers, tied in part, and a block over some of their channels."""
    count = draw(st.integers(2, 12))
    classes = torch.arange(2 * count)
    for channel in draw(st.sets(st.integers(0, count - 1))):
        classes[count + channel] = channel
    rows = draw(st.sampled_from([n for n in range(1, count + 1) if count % n == 0]))
    fixed = draw(st.sampled_from([(), (0,)]))
    grid = Grid(torch.arange(count).reshape(rows, -1), fixed)
    layers = (torch.arange(count), torch.arange(count, 2 * count))
    kept = torch.zeros(2 * count, dtype=torch.bool)
    return Bundles(classes, kept, (grid,), layers, at_least=0)


def is_free(bundles: Bundles, gone: torch.Tensor) -> bool:
    """Tell whether nothing else holds what leaves: no barrier, no layer that would be too small."""
    least = bundles.at_least
    enough = all(int((~gone[layer]).sum()) >= least for layer in (*bundles.layers, *bundles.others))
    touched = [grid for grid in bundles.grids if bool(gone[grid.channels].any())]
    return enough and not any(map(is_rigid, touched)) and not bool(gone[bundles.kept].any())


def is_rigid(grid: Grid) -> bool:
    """Tell whether a block cannot lose a line, or has to keep one in each of its parts."""
    sizes = enumerate(grid.channels.shape)
    free = [axis for axis, size in sizes if size > 1 and axis not in grid.fixed]
    return bool(grid.parts) or (not free and grid.channels.numel() > 1)


def check_duality(bundles: Bundles, channel: int) -> bool:
    """Tell whether a channel is free to leave; if it is, what leaves with it does not come back."""
    gone = torch.zeros_like(bundles.kept)
    gone[channel] = True

    leaving = bundles.leaving(gone)

    assert bool(leaving[channel])
    assert torch.equal(leaving, bundles.leaving(leaving))
    if not is_free(bundles, leaving):
        return False
    assert torch.equal(bundles.staying(~leaving), ~leaving)
    return True


@given(tables(), st.data())
def test_what_leaves_with_a_channel_can_leave(bundles, data) -> None:
    """One undoes the other: nothing that left is asked back, and nothing else has to leave."""
    check_duality(bundles, data.draw(st.integers(0, len(bundles.classes) - 1)))


@given(tables())
def test_what_is_pinned_stays_with_nothing_alive(bundles) -> None:
    """And what is not, of a block that is a whole layer, can lose a line of it."""
    some = attrs.evolve(bundles, at_least=1)
    nothing = torch.zeros_like(some.kept)
    (grid,) = some.grids

    assert bool(some.staying(nothing)[some.pinned].all())
    assert bool(some.pinned[grid.channels].all()) is is_rigid(grid)
    assert not bool(bundles.pinned.any())


def test_what_leaves_with_a_channel_can_leave_in_real_networks() -> None:
    """The same for one channel of every layer of every test network; many of them are free."""
    tried = [
        check_duality(bundles_of(name), int(layer[len(layer) // 2]))
        for name in NETWORKS
        for layer in bundles_of(name).layers
    ]

    assert sum(tried) > len(tried) // 3


@given(st.sampled_from(sorted(NETWORKS)), st.integers(0, 2**32), st.floats(0, 1))
def test_staying_is_a_closure(name, seed, share) -> None:
    """It holds all the living, and adds nothing the second time."""
    bundles = bundles_of(name)
    generator = torch.Generator().manual_seed(seed)
    alive = torch.rand(len(bundles.kept), generator=generator) < share

    staying = bundles.staying(alive)

    assert bool(staying[alive].all())
    assert torch.equal(staying, bundles.staying(staying))


def test_only_the_proof_makes_a_proved_plan() -> None:
    """A plan that nobody tried must not pass for one that can be relied on."""
    package = Path(evoframe.__file__).parent
    makers = [
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ProvedPlan"
    ]

    assert set(makers) == {"anatomy/proof/prove.py"}


@given(tables(), st.data())
def test_a_grid_over_tied_channels_says_nothing_more(some: Bundles, data) -> None:
    """Equal grids are asked once."""
    [grid] = some.grids
    last = torch.tensor([int(some.members(label)[-1]) for label in some.classes])
    again = attrs.evolve(grid, channels=last[grid.channels])
    more = attrs.evolve(some, grids=(grid, again))
    assert more.different_grids_with(torch.arange(len(last))) == [0]
    flags = torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(last), max_size=len(last))))
    assert torch.equal(more.staying(flags), some.staying(flags))
    assert torch.equal(more.leaving(flags), some.leaving(flags))
