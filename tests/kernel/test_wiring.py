"""Settling: which synapses die with their neighbours, and that nobody else does."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.anatomy import survey
from evoframe.kernel.genotype import Genotype, count, masked
from evoframe.kernel.living import living_channels
from evoframe.kernel.settling import is_extinct, revive, settle, settle_masks
from evoframe.kernel.wiring import Derived, Holding, Wiring
from networks.zeros import KINDS, Chain, Mixed

# --- wirings made by hand -----------------------------------------------------------------------


def ids(*channels: int) -> torch.Tensor:
    return torch.tensor(channels)


def flags(size: int, *marked: int) -> torch.Tensor:
    found = torch.zeros(size, dtype=torch.bool)
    found[list(marked)] = True
    return found


def chain() -> tuple[Wiring, dict[str, torch.Tensor]]:
    """Two inputs, two layers of two neurons, one output; biases and statistics belong to them."""
    layers = {"a": (ids(0, 1), ids(2, 3)), "b": (ids(2, 3), ids(4, 5)), "c": (ids(4, 5), ids(6))}
    wiring = Wiring(
        {name: ends[0].reshape(1, -1) for name, ends in layers.items()},
        {name: ends[1].reshape(-1, 1) for name, ends in layers.items()},
        flags(7, 0, 1),
        flags(7, 6),
        ("a", "b", "c"),
        (Holding("a.bias", 0, ids(2, 3)), Holding("b.scale", 1, ids(4, 5))),
    )
    state = {name: torch.full((len(out), len(into)), 2.0) for name, (into, out) in layers.items()}
    state |= {"a.bias": torch.ones(2), "b.scale": torch.ones(3, 2), "other": torch.ones(2)}
    return wiring, state


def whole(state) -> dict[str, torch.Tensor]:
    return {name: torch.ones_like(state[name], dtype=torch.bool) for name in ("a", "b", "c")}


def test_a_neuron_without_inputs_takes_along_what_it_feeds() -> None:
    """Dead-in: it would go on saying its bias, so the bias goes too."""
    wiring, state = chain()
    masks = whole(state)
    masks["a"][0] = False

    settled = settle(Genotype(masks, state), wiring)

    assert settled.masks["b"].tolist() == [[False, True], [False, True]]
    assert settled.masks["c"].tolist() == [[True, True]]
    assert settled.state["a.bias"].tolist() == [0, 1]
    assert settled.state["b"].tolist() == [[0, 2], [0, 2]]
    assert settled.state["other"].tolist() == [1, 1]


def test_a_neuron_that_nobody_reads_takes_along_what_feeds_it() -> None:
    """Dead-out: it costs and changes nothing; its slices go along whichever axis they lie."""
    wiring, state = chain()
    masks = whole(state)
    masks["c"][0, 1] = False
    masks["b"][0, 0] = False

    settled = settle(Genotype(masks, state), wiring)

    assert settled.masks["b"].tolist() == [[False, True], [False, False]]
    assert settled.masks["a"].tolist() == [[False, False], [True, True]]
    assert settled.state["b.scale"].tolist() == [[1, 0]] * 3
    assert settled.state["a.bias"].tolist() == [0, 1]


def test_a_flattened_channel_feeds_a_column_for_every_place() -> None:
    """A dead channel of a convolution takes a whole block of columns of the layer behind it."""
    wiring = Wiring(
        {"conv": ids(0).reshape(1, 1, 1, 1), "fc": ids(1, 1, 1, 2, 2, 2).reshape(1, 6)},
        {"conv": ids(1, 2).reshape(2, 1, 1, 1), "fc": ids(3, 4).reshape(2, 1)},
        flags(5, 0),
        flags(5, 3, 4),
        ("conv", "fc"),
        (),
    )
    masks = {"conv": torch.ones(2, 1, 3, 3) > 0, "fc": torch.ones(2, 6) > 0}
    masks["conv"][1] = False
    assert settle_masks(masks, wiring)["fc"].tolist() == [[True] * 3 + [False] * 3] * 2

    masks = {"conv": torch.ones(2, 1, 3, 3) > 0, "fc": torch.ones(2, 6) > 0}
    masks["fc"][:, :2] = False
    assert bool(settle_masks(masks, wiring)["conv"].all())  # the third place is still read
    masks["fc"][:, 2] = False
    assert not bool(settle_masks(masks, wiring)["conv"][0].any())


def test_a_grouped_layer_dies_within_its_groups() -> None:
    """Each row of a grouped convolution reads the channels of its own group alone."""
    wiring = Wiring(
        {"w": ids(0, 1, 0, 1, 2, 3, 2, 3).reshape(4, 2, 1), "v": ids(4, 5, 6, 7).reshape(1, 4)},
        {"w": ids(4, 5, 6, 7).reshape(4, 1, 1), "v": ids(8).reshape(1, 1)},
        flags(9, 0, 1, 3),
        flags(9, 8),
        ("w", "v"),
        (),
    )
    masks = {"w": torch.ones(4, 2, 5) > 0, "v": torch.ones(1, 4) > 0}
    masks["w"][3, 1] = False

    settled = settle_masks(masks, wiring)

    assert settled["w"].any(2).tolist() == [[True, True], [True, True], [False, True], [False] * 2]
    assert settled["v"].tolist() == [[True, True, True, False]]


@pytest.mark.parametrize("every", [False, True])
def test_sums_live_by_any_part_and_products_by_all(every) -> None:
    """A residual sum goes on without one branch; a gated product does not without its gate."""
    derived = Derived(ids(3), (ids(1), ids(2)), every)
    wiring = Wiring(
        {"a": ids(0).reshape(1, 1), "b": ids(0).reshape(1, 1), "c": ids(3).reshape(1, 1)},
        {"a": ids(1).reshape(1, 1), "b": ids(2).reshape(1, 1), "c": ids(4).reshape(1, 1)},
        flags(5, 0),
        flags(5, 4),
        ("a", "b", derived, "c"),
        (),
    )
    masks = {name: torch.ones(1, 1) > 0 for name in "abc"}
    masks["a"][:] = False

    settled = settle_masks(masks, wiring)

    assert count(settled) == (0 if every else 2)
    assert is_extinct(settled) == every
    assert not is_extinct(masks)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_units_that_feed_each_other_live_on_a_way_from_inputs_to_outputs(data) -> None:
    """However many steps it takes, and not by feeding themselves alone; against a search."""
    size = data.draw(st.integers(1, 6))
    shapes = {"into": (2 * size, 2), "again": (2 * size, size), "out": (1, size)}
    drawn = {
        name: torch.tensor(data.draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m)))
        for name, (n, m) in shapes.items()
    }
    drawn = {name: mask.reshape(shapes[name]) for name, mask in drawn.items()}
    units, rows = torch.arange(2, 2 + size), torch.arange(2, 2 + size).repeat(2).reshape(-1, 1)
    sources = {"into": ids(0, 1).reshape(1, 2)}
    sources |= {"again": units.reshape(1, -1), "out": units.reshape(1, -1)}
    targets = {"into": rows, "again": rows, "out": ids(2 + size).reshape(1, 1)}
    ends = flags(3 + size, 0, 1), flags(3 + size, 2 + size)
    wiring = Wiring(sources, targets, *ends, ("into", "again", "out"), (), recurs=True)

    alive = living_channels(drawn, wiring)

    leads = {
        (int(sources[name][0, column]), int(targets[name][row, 0]))
        for name, mask in drawn.items()
        for row, column in mask.nonzero().tolist()
    }
    fed, read = {0, 1}, {2 + size}
    for _ in range(3 + size):
        fed |= {target for source, target in leads if source in fed}
        read |= {source for source, target in leads if target in read}
    assert set(alive.nonzero().flatten().tolist()) == fed & read


def test_a_network_that_loses_its_only_path_is_extinct() -> None:
    """Nothing is left to train: better to say so than to judge a constant."""
    wiring, state = chain()
    masks = whole(state)
    masks["b"][:] = False

    settled = settle(Genotype(masks, state), wiring)

    assert is_extinct(settled.masks)
    assert not any(bool(settled.state[n].any()) for n in ("a", "b", "c", "a.bias", "b.scale"))


def test_the_risen_get_what_the_ancestor_had() -> None:
    """A neuron that comes back gets its bias back, no weights; the others keep their own."""
    wiring, ancestor = chain()
    before = whole(ancestor)
    before["a"][0] = False
    parent = settle(Genotype(before, ancestor), wiring)
    learned = {n: 5 * v for n, v in parent.state.items()}
    grown = Genotype(whole(ancestor), learned)

    risen = revive(grown, before=parent.masks, ancestor_state=ancestor, wiring=wiring)

    assert risen.state["a.bias"].tolist() == [1, 5]
    assert risen.state["b.scale"].tolist() == [[5, 5]] * 3
    assert torch.equal(risen.state["a"], learned["a"])
    assert learned["a.bias"].tolist() == [0, 5]
    same = revive(parent, before=parent.masks, ancestor_state=ancestor, wiring=wiring)
    assert same.digest() == parent.digest()


# --- wirings made at random ---------------------------------------------------------------------


@st.composite
def wirings(draw) -> tuple[Wiring, dict[str, torch.Tensor]]:
    """Return layers and sums over any earlier channels, some of them fed or read from outside."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))

    def some(low: int, high: int, size: int) -> torch.Tensor:
        return torch.randint(low, high, (size,), generator=generator)

    size, sources, targets, steps, masks = 3, {}, {}, [], {}
    for index in range(draw(st.integers(1, 6))):
        width = draw(st.integers(1, 4))
        new = torch.arange(size, size + width)
        if draw(st.sampled_from(["layer", "layer", "derived"])) == "layer":
            columns, name = draw(st.integers(1, 4)), f"layer{index}"
            rows = width if draw(st.booleans()) else 1  # a row may read channels of its own
            sources[name] = some(0, size, rows * columns).reshape(rows, columns)
            targets[name] = new.reshape(width, 1)
            masks[name] = torch.rand(width, columns, generator=generator) < 0.6
            steps.append(name)
        else:
            parts = tuple(some(0, size, width) for _ in range(draw(st.integers(1, 3))))
            steps.append(Derived(new, parts, draw(st.booleans())))
        size += width
    fed = (torch.rand(size, generator=generator) < 0.1) | flags(size, 0, 1)
    read = (torch.rand(size, generator=generator) < 0.1) | flags(size, size - 1)
    return Wiring(sources, targets, fed, read, tuple(steps), ()), masks


def by_search(masks, wiring: Wiring) -> dict[str, torch.Tensor]:
    """Return the synapses that lie on a living path, one synapse at a time, to a fixed point."""
    alive = {name: mask.clone() for name, mask in masks.items()}
    while True:
        written, read = set(wiring.fed.nonzero()[:, 0].tolist()), set()
        for step in wiring.steps:
            if isinstance(step, str):
                for s, t in synapses(alive, wiring, step):
                    written |= {t} if s in written else set()
            else:
                test = all if step.every else any
                for place, channel in enumerate(step.channels.tolist()):
                    if test(int(part[place]) in written for part in step.parts):
                        written.add(channel)
        read = set(wiring.read.nonzero()[:, 0].tolist())
        for step in reversed(wiring.steps):
            if isinstance(step, str):
                for s, t in synapses(alive, wiring, step):
                    read |= {s} if t in read else set()
            else:
                for place, channel in enumerate(step.channels.tolist()):
                    if channel in read and channel in written:
                        read |= {int(part[place]) for part in step.parts}
        living, before = written & read, count(alive)
        for name, mask in alive.items():
            for row, column in mask.nonzero().tolist():
                s, t = ends(wiring, name, row, column)
                mask[row, column] = s in living and t in living
        if count(alive) == before:
            return alive


def ends(wiring: Wiring, name: str, row: int, column: int) -> tuple[int, int]:
    sources = wiring.sources[name]
    return int(sources[row % len(sources), column]), int(wiring.targets[name][row, 0])


def synapses(masks, wiring: Wiring, name: str) -> list[tuple[int, int]]:
    return [ends(wiring, name, row, column) for row, column in masks[name].nonzero().tolist()]


@given(wirings())
def test_settling_keeps_exactly_what_lies_on_a_living_path(case) -> None:
    """From something fed to something read, through synapses that live themselves."""
    wiring, masks = case

    settled = settle_masks(masks, wiring)

    expected = by_search(masks, wiring)
    assert all(torch.equal(settled[name], expected[name]) for name in masks)


@given(wirings(), st.randoms())
def test_settling_twice_or_in_another_order_changes_nothing(case, rng) -> None:
    """One settled form for one set of synapses: digests and resumed runs rely on it."""
    wiring, masks = case
    before = {name: mask.clone() for name, mask in masks.items()}

    settled = settle_masks(masks, wiring)
    names = rng.sample(list(masks), len(masks))
    shuffled = settle_masks({name: masks[name] for name in names}, wiring)
    again = settle_masks(settled, wiring)

    for name, mask in masks.items():
        assert torch.equal(mask, before[name])
        assert not bool((settled[name] & ~mask).any())
        assert torch.equal(settled[name], again[name])
        assert torch.equal(settled[name], shuffled[name])


@given(wirings(), st.integers(0, 2**32))
def test_more_synapses_never_settle_to_fewer(case, seed) -> None:
    """Settling is monotone, so a milder environment cannot end with the smaller network."""
    wiring, masks = case
    generator = torch.Generator().manual_seed(seed)
    fewer = {n: m & (torch.rand(m.shape, generator=generator) < 0.8) for n, m in masks.items()}

    more, less = settle_masks(masks, wiring), settle_masks(fewer, wiring)

    assert not any(bool((less[name] & ~more[name]).any()) for name in masks)
    assert not bool((living_channels(less, wiring) & ~living_channels(more, wiring)).any())


# --- real networks ------------------------------------------------------------------------------


def a_network(kind: str, width: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network = (Chain if kind == "chain" else Mixed)(kind, width)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (module.weight.data, module.bias.data, module.running_mean):
                value.normal_()
    return network.eval()


def evolvable(network: nn.Module) -> list[str]:
    heavy = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return [f"{name}.weight" for name in heavy if name != "head"]


def surveyed(network: nn.Module):
    return survey(network, (torch.zeros(1, 2, 4, 4),), evolvable(network))


def thinned(plan, seed: int, share: float) -> Genotype:
    """Return the ancestor with random synapses, and a third of all neurons without inputs."""
    generator = torch.Generator().manual_seed(seed)
    ancestor = plan.genotype()
    masks = {}
    for name, mask in ancestor.masks.items():
        rows = torch.rand(len(mask), *[1] * (mask.ndim - 1), generator=generator) < 0.67
        masks[name] = (torch.rand(mask.shape, generator=generator) < share) & rows
    return Genotype(masks, ancestor.state)


def with_silent_dead(network: nn.Module, genotype: Genotype, plan, inputs) -> nn.Module:
    """Return the masked network in which a neuron that hears nothing says nothing.

    Found by listening: a layer's output is silenced where only zeros reach it through present
    synapses, a norm's where its input is zero, unless that output is fed by something else. What
    is called twice speaks in all calls if it hears something in any.
    """
    twin = copy.deepcopy(network)
    state = {**twin.state_dict(), **masked(genotype.state, genotype.masks)}
    first = {id(p): n for n, p in network.named_parameters()}
    for name, value in network.named_parameters(remove_duplicate=False):
        state[name] = state[first[id(value)]]  # tied ones under their first name
    twin.load_state_dict(state)
    held = {h.entry: h.channels for h in plan.wiring.holdings}
    loud = plan.wiring.fed.clone()

    def silence(module: nn.Module, given, output, name: str):
        channels = held.get(f"{name}.bias")
        if channels is None:
            return output
        heard = given[0].abs()
        if isinstance(module, nn.Conv2d):
            support = module.weight.abs() > 0
            heard = module._conv_forward(heard, support.float(), None)
        elif isinstance(module, nn.Linear):
            heard = F.linear(heard, (module.weight != 0).float())
        axes = [axis for axis in range(heard.ndim) if axis != 1]
        loud[channels] |= heard.sum(axes) > 0
        return output * loud[channels].reshape(1, -1, *[1] * (output.ndim - 2))

    for name, module in twin.named_modules():
        if name and name != "head":
            module.register_forward_hook(lambda m, i, o, name=name: silence(m, i, o, name))
    before = -1
    while before != (before := int(loud.sum())):
        twin(inputs)
        for step in plan.wiring.steps:  # where one parameter shifts the channels of two layers
            if isinstance(step, Derived) and len(step.parts) == 1:
                loud[step.channels] |= loud[step.parts[0]]
    return twin


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=settings().max_examples // 2)
@given(st.integers(0, 10**6), st.sampled_from([4, 6]), st.sampled_from([0.1, 0.4, 1.0]))
def test_what_settling_removes_does_no_work(kind, seed, width, share) -> None:
    """The grown network computes what the masked one does, once the dead are silent."""
    network, inputs = a_network(kind, width, seed), torch.randn(6, 2, 4, 4)
    plan = surveyed(network)
    genotype = thinned(plan, seed, share)

    settled = settle(genotype, plan.wiring)
    with torch.no_grad():
        reference = with_silent_dead(network, genotype, plan, inputs)(inputs)
        grown = plan.develop(settled).network.eval()(inputs)

    assert torch.allclose(reference, grown, rtol=1e-4, atol=1e-4 * float(reference.abs().max() + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_survey_changes_nothing_and_settled_networks_come_home_as_they_went(kind) -> None:
    """An ancestor belongs to its owner; growing and coming home loses no bit of a genotype."""
    network = a_network(kind, 6, 1).train()
    next(network.parameters()).requires_grad_(False)
    before = copy.deepcopy(network)
    rng = torch.get_rng_state()

    plan = surveyed(network)
    settled = settle(thinned(plan, 2, 0.5), plan.wiring)
    home = plan.absorb(plan.develop(settled))

    assert home.digest() == settled.digest()
    assert all(home.masks[name].shape == shape for name, shape in plan.evolvable.items())
    assert repr(network) == repr(before)
    assert all(one.training for one in network.modules())
    for (name, one), (_, other) in zip(
        network.state_dict().items(), before.state_dict().items(), strict=True
    ):
        assert torch.equal(one, other), name
    grads = [[p.requires_grad for p in one.parameters()] for one in (network, before)]
    assert grads[0] == grads[1]
    assert torch.equal(rng, torch.get_rng_state())
