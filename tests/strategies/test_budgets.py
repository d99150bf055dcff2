"""Budgets: at most means at most, nothing is wasted, and no layer pays for all others."""

from __future__ import annotations

import attrs
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.anatomy import survey
from evoframe.config.convert import recipe_from, tables_from
from evoframe.config.files import assigned, parse, write
from evoframe.errors import ConfigError, StillbornError
from evoframe.evolution.synthesis import synthesise
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.living import living_channels
from evoframe.registry import load_registry
from evoframe.roles import Encoding
from evoframe.strategies.encoding import Cluster, Magnitude, Narrow, Synaptic, Uniform
from evoframe.strategies.environment import Budget, Retention
from evoframe.strategies.environment.also import Also, Share
from evoframe.strategies.task import Mnist

STEP = 0.06
"""A bundle of the networks below costs less than this share of the whole."""


class Block(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return torch.relu(x + self.two(torch.relu(self.one(x))))


class Pyramid(nn.Module):
    """Levels of which each has a quarter of the pixels of the one before."""

    def __init__(self, width: int = 20) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        self.levels = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        self.head = nn.Conv2d(3 * width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return two maps of the input's size."""
        size, found = x.shape[2:], []
        x = torch.relu(self.stem(x))
        for level in self.levels:
            x = F.max_pool2d(torch.relu(level(x)), 2)
            found.append(F.interpolate(x, size=size))
        out: Tensor = self.head(torch.cat(found, 1))
        return out


def plain() -> nn.Module:
    """Return three layers, of which the middle one is most of the work."""
    return nn.Sequential(
        nn.Conv2d(2, 24, 3), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.ReLU(), nn.Conv2d(32, 3, 1)
    )


def residual() -> nn.Module:
    """Return two blocks on one stream."""
    return nn.Sequential(nn.Conv2d(2, 20, 3), Block(20), Block(20), nn.Conv2d(20, 3, 1))


def grouped() -> nn.Module:
    """Return a depthwise and a grouped convolution between plain ones."""
    return nn.Sequential(
        nn.Conv2d(2, 24, 3), nn.Conv2d(24, 24, 3, groups=24), nn.ReLU(),
        nn.Conv2d(24, 24, 3, groups=4), nn.ReLU(), nn.Conv2d(24, 3, 1),
    )  # fmt: skip


NETWORKS = {one.__name__: one for one in (plain, residual, grouped)} | {"pyramid": Pyramid}
ENCODINGS: dict[str, Encoding] = {
    "bundles": Cluster(of="bundle", temperature=0.1, cluster_temperature=0.1),
    "filters": Cluster(of="filter"),
    "kernels": Cluster(of="kernel"),
    "synapses": Synaptic(temperature=0.1),
    "magnitude": Magnitude(),
    "uniform": Uniform(),
    "narrow": Narrow(),
}


def world(name: str, **options: object) -> tuple[Context, Inheritance]:
    """Return the context and the inheritance of a first offspring of a network, all evolving."""
    torch.manual_seed(0)
    network = NETWORKS[name]()
    for index, weight in enumerate(network.parameters()):  # channels differ, in some layers more
        with torch.no_grad():
            rows = torch.randn(len(weight), *[1] * (weight.ndim - 1))
            weight.mul_((0.3 * (index % 4) * rows).exp())
    evolvable = [n for n, p in network.named_parameters() if p.ndim > 1]
    plan = survey(network, (torch.zeros(1, 2, 12, 12),), evolvable, **options)  # type: ignore[arg-type]
    ancestor = plan.genotype()
    context = Context(ancestor, None, plan, Mnist(), torch.device("cpu"), 2, Key(0))
    return context, Inheritance(ancestor.masks, ancestor.strengths(), ancestor.state)


WORLDS = {name: world(name) for name in NETWORKS}


def offspring(
    budget: Budget, encoding: Encoding, where: tuple[Context, Inheritance], key: int = 0
) -> Genotype:
    """Return the genotype of an offspring under a budget."""
    context, inheritance = where
    context = attrs.evolve(context, key=Key(key))
    dna = encoding.encode(inheritance, Evidence(inheritance, context), context)
    return synthesise(budget.press(dna, inheritance, context), inheritance, context)


def share_of(cost: str, genotype: Genotype, context: Context) -> float:
    """Return a cost as a share of the ancestor's."""
    return context.anatomy.costs(genotype)[cost] / context.anatomy.costs(context.ancestor)[cost]


# --- at most --------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(sorted(NETWORKS)),
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(["parameters", "flops", "bytes", "synapses", "activations"]),
    st.floats(0.3, 1),
    st.integers(0, 99),
)
def test_an_offspring_never_costs_more_than_it_may(name, encoding, cost, share, key) -> None:
    """Whatever is drawn from, whatever is counted: in every draw, and not only on average."""
    context, _ = where = WORLDS[name]
    budget = Budget(cost=cost, share=share, trials=1)

    found = share_of(cost, offspring(budget, ENCODINGS[encoding], where, key), context)

    assert found <= share
    if cost != "activations" and name != "grouped":  # these go down in steps
        assert found > share - STEP


def test_latency_is_held_by_its_rates() -> None:
    """Two costs at once, and an overhead that nobody can save."""
    context, _ = where = WORLDS["plain"]
    whole = context.anatomy.costs(context.ancestor)
    budget = Budget(
        cost="latency", share=0.5, seconds_per_flop=1e-9, seconds_per_byte=2e-9, overhead=1e-5
    )

    found = context.anatomy.costs(offspring(budget, ENCODINGS["bundles"], where))

    seconds = [budget.latency(one) for one in (found, whole)]
    assert seconds[1] == 1e-5 + (1e-9 * whole["flops"] + 2e-9 * whole["activations"])
    assert seconds[0] / seconds[1] > 0.5 - STEP
    assert seconds[0] <= 0.5 * seconds[1]


def test_two_budgets_both_hold() -> None:
    """The stricter one decides."""
    context, inheritance = WORLDS["pyramid"]
    dna = ENCODINGS["bundles"].encode(inheritance, Evidence(inheritance, context), context)
    for budget in (Budget(cost="flops", share=0.6), Budget(cost="parameters", share=0.4)):
        dna = budget.press(dna, inheritance, context)

    genotype = synthesise(dna, inheritance, context)

    assert share_of("flops", genotype, context) <= 0.6
    assert share_of("parameters", genotype, context) <= 0.4


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from(["plain", "residual"]),
    st.floats(0.3, 1),
    st.floats(0.3, 1),
    st.floats(0.3, 1),
    st.integers(0, 99),
)
def test_one_budget_bounds_several_costs(name, flops, parameters, bytes_, key) -> None:
    """All hold, and one of them is spent."""
    context, _ = where = WORLDS[name]
    also = Also(flops=Share(flops), bytes=Share(bytes_))
    budget = Budget(cost="parameters", share=parameters, also=also, trials=1)

    genotype = offspring(budget, ENCODINGS["bundles"], where, key)

    found = {cost: share_of(cost, genotype, context) for cost in ("flops", "bytes", "parameters")}
    shares = {"flops": flops, "bytes": bytes_, "parameters": parameters}
    assert all(found[cost] <= share for cost, share in shares.items())
    assert any(found[cost] > share - STEP for cost, share in shares.items())


def test_each_cost_has_a_least_of_its_own() -> None:
    """Nothing more is asked of a cost that is there, while others go on."""
    where = WORLDS["plain"]
    bounded = Budget(cost="flops", share=0.9, also=Also(parameters=Share(0.2, least=0.8)))

    parameters = share_of("parameters", offspring(bounded, ENCODINGS["bundles"], where), where[0])

    assert 0.8 - STEP < parameters <= 0.8


def test_a_cost_that_is_bounded_twice_or_out_of_reach_is_refused() -> None:
    """By the option that says so."""
    context, _ = world("plain", at_least=12)
    with pytest.raises(ConfigError, match="bounds flops by cost and by also"):
        Budget(cost="flops", also=Also(flops=Share(0.5))).check(Synaptic())
    with pytest.raises(ConfigError, match=r"environment.also.parameters.share = 0.\d+ or more"):
        Budget(cost="flops", share=1, also=Also(parameters=Share(0.1))).check_ancestor(context)


def test_a_recipe_says_several_costs_in_a_table() -> None:
    """As on the command line, and back from the record."""
    said = "environment.also={ latency = { share = 0.7, least = 0.4 }, bytes = { share = 0.5 } }"
    tables = assigned({"task": {"use": "mnist"}, "encoding": {"use": "cluster"},
                       "environment": {"use": "budget"}}, said)  # fmt: skip
    registry = load_registry(())
    recipe = recipe_from(tables, registry)

    assert recipe.environment[0].also == Also(latency=Share(0.7, 0.4), bytes=Share(0.5))
    assert recipe_from(parse(write(tables_from(recipe, registry)), "again"), registry) == recipe
    with pytest.raises(ConfigError, match=r"environment\[0\].also.flop\. Did you mean 'flops'"):
        recipe_from(assigned(tables, "environment.also={ flop = { share = 0.5 } }"), registry)
    with pytest.raises(ConfigError, match=r"also: wanted a table, found 0\.5"):
        recipe_from(assigned(tables, "environment.also=0.5"), registry)


def test_what_a_budget_leaves_is_not_spent_against_another_environment() -> None:
    """A retention that asks for fewer synapses than a budget is met besides."""
    context, inheritance = WORLDS["plain"]
    dna = ENCODINGS["bundles"].encode(inheritance, Evidence(inheritance, context), context)
    retention = Retention(retention=0.2)
    pressed = Budget(share=0.9).press(
        retention.press(dna, inheritance, context), inheritance, context
    )

    most = retention.allowance(inheritance, context)

    assert synthesise(pressed, inheritance, context, most).synapses <= most


@pytest.mark.parametrize("options", [{"at_least": 6}, {"multiple": 8}, {"keep": ("0",)}], ids=str)
def test_channels_that_stay_for_a_person_are_counted_and_live(options) -> None:
    """A dead channel costs as much as a living one, so none is held at zero."""
    context, _ = where = world("plain", **options)

    genotype = offspring(Budget(cost="flops", share=0.4), ENCODINGS["bundles"], where)

    assert 0.2 < share_of("flops", genotype, context) <= 0.4
    alive = living_channels(genotype.masks, context.anatomy.wiring)
    outputs = torch.cat([one.reshape(-1) for one in context.anatomy.wiring.targets.values()])
    assert bool(alive[outputs[context.anatomy.channels(genotype)[outputs]]].all())


# --- out of reach ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"at_least": 20}, {"at_least": 0.9}, {"keep": ("2",)}], ids=str
)
def test_a_budget_that_floors_make_unreachable_is_refused_with_the_least(options) -> None:
    """Before anything is written, and with what could be had instead."""
    context, _ = world("plain", **options)
    costs = context.anatomy.costs
    least = costs(Genotype({n: torch.zeros_like(m) for n, m in context.ancestor.masks.items()}, {}))

    with pytest.raises(
        ConfigError, match=r"costs at least .* Try environment.share = 0\."
    ) as refused:
        Budget(cost="flops", share=0.01).check_ancestor(context)

    assert f"{least['flops']:,.4g}" in str(refused.value)
    word = str(refused.value).split("environment.share = ")[1].split(" ")[0]
    Budget(cost="flops", share=float(word)).check_ancestor(context)


def test_a_later_generation_that_cannot_reach_its_budget_says_so() -> None:
    """What is left of the ancestor may be all that stays."""
    where = world("plain", keep=("0", "2"))

    with pytest.raises(StillbornError, match="cannot be reached: what stays costs"):
        offspring(Budget(cost="flops", share=0.5), ENCODINGS["bundles"], where)


def test_rates_without_effect_are_refused() -> None:
    """Whoever measured a device wants a latency."""
    with pytest.raises(ConfigError, match="have no effect on cost = 'flops'"):
        Budget(cost="flops", seconds_per_flop=1e-9).check(Synaptic())


# --- nothing is wasted ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_weights_that_stay_are_not_held_at_zero(name: str, encoding: str) -> None:
    """They would save no FLOP; so it is for every way to read DNA."""
    context, _ = where = WORLDS[name]

    genotype = offspring(Budget(cost="flops", share=0.5, trials=1), ENCODINGS[encoding], where)

    phenotype = context.anatomy.develop(genotype)
    held = sum(int((~mask).sum()) for mask in phenotype.masks.values())
    assert held <= 0.01 * sum(one.numel() for one in phenotype.network.parameters())


def test_synapses_inside_go_where_they_are_asked_for() -> None:
    """With alone = false, and where synapses are what is counted."""
    for budget in (Budget(cost="flops", alone=False), Budget(cost="synapses")):
        context, _ = where = WORLDS["plain"]
        phenotype = context.anatomy.develop(offspring(budget, ENCODINGS["bundles"], where))
        assert sum(int((~mask).sum()) for mask in phenotype.masks.values()) > 100


# --- no bottleneck --------------------------------------------------------------------------------


def widths(genotype: Genotype, context: Context) -> list[float]:
    """Return the share of its channels that each layer keeps."""
    there = context.anatomy.channels(genotype)
    return [float(there[one].float().mean()) for one in context.anatomy.wiring.targets.values()]


class Bottleneck(Uniform):
    """Wants to take everything out of the second layer."""

    def encode(self, inheritance, evidence, context):
        """Return DNA in which nothing of one layer is likely."""
        dna = super().encode(inheritance, evidence, context)
        name = list(dna.synapses)[1]
        genes = dna.synapses[name]
        weak = attrs.evolve(genes, log_survival=genes.log_survival - 100)
        return attrs.evolve(dna, synapses={**dna.synapses, name: weak})


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("key", range(3))
def test_no_layer_pays_for_all_others(name: str, key: int) -> None:
    """A tenth of its channels stays, unless one says otherwise."""
    context, _ = where = WORLDS[name]

    assert min(widths(offspring(Budget("flops", 0.4), Bottleneck(), where, key), context)) >= 0.1


def test_a_floor_may_be_higher_or_turned_off() -> None:
    """Both are a person's to decide."""
    context, _ = where = WORLDS["residual"]
    high, none = (Budget("flops", 0.4, at_least=share) for share in (0.3, 0.0))

    assert min(widths(offspring(high, Bottleneck(), where), context)) >= 0.3
    assert min(widths(offspring(none, Bottleneck(), where), context)) < 0.1


def test_a_floor_gives_way_to_the_budget_and_no_layer_is_empty_before_all_are() -> None:
    """At most means at most."""
    context, _ = where = WORLDS["plain"]

    genotype = offspring(Budget("flops", 0.01, at_least=0.5), ENCODINGS["bundles"], where)

    assert share_of("flops", genotype, context) <= 0.01
    assert all(bool(mask.any()) for mask in genotype.masks.values())


def test_every_layer_may_keep_the_same_share() -> None:
    """With scope = layer, whatever the encoding would rather take."""
    context, _ = where = WORLDS["plain"]

    first, second, _ = widths(
        offspring(Budget("flops", 0.5, scope="layer"), Bottleneck(), where), context
    )

    assert first == pytest.approx(second, abs=2 / 32)


# --- a whole run ----------------------------------------------------------------------------------


def test_a_run_refuses_what_it_cannot_reach_and_writes_nothing(tmp_path) -> None:
    """The survey knows the least before anything is trained."""
    maps = TensorDataset(torch.zeros(4, 2, 12, 12), torch.zeros(4, 3, 8, 8))
    batches = DataLoader(maps, batch_size=2)
    task = evoframe.task(network=plain(), train=batches, validation=batches, loss=F.mse_loss)

    with pytest.raises(ConfigError, match=r"anatomy\.at_least"):
        evoframe.evolve(
            task, encoding="cluster", environment="budget", training="none", observer=[],
            options=["environment.share=0.1", "anatomy.at_least=0.9"], out=tmp_path / "run",
        )  # fmt: skip

    assert not (tmp_path / "run").exists()
