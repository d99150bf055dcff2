"""Data loaders as people have them: streams, batches of one, labels and inputs of all kinds."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import attrs
import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import evoframe
from evoframe.cli.main import main
from evoframe.errors import EvoframeError, TaskError
from evoframe.kernel.key import Key
from evoframe.plugin import Nurture, Observer, hookimpl
from support.blobs import Blobs

VALUES = torch.arange(540.0).reshape(90, 6).sin()
LABELS = (VALUES[:, 0] > 0).long()
SHORT = ["training.epochs=2"]


def a_task(train, validation=None, net=None, loss=nn.functional.cross_entropy, **more):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)) if net is None else net
    validation = plain(VALUES[60:], LABELS[60:]) if validation is None else validation
    return evoframe.task(network=net, train=train, validation=validation, loss=loss, **more)


def plain(inputs=VALUES, labels=LABELS, size=30, **more):
    return DataLoader(TensorDataset(inputs, labels), size, **more)


# --- streams --------------------------------------------------------------------------------------


class Stream(IterableDataset):
    """Begins anew at every pass."""

    def __iter__(self):
        return iter(zip(VALUES, LABELS, strict=True))


class Generated(IterableDataset):
    """Is a generator, and draws from torch's global one."""

    def __iter__(self):
        for value, label in zip(VALUES, LABELS, strict=True):
            yield value + 0.01 * torch.randn(6), label


class Rewound(IterableDataset):
    """Is its own iterator, which it rewinds."""

    def __iter__(self):
        self.at = 0
        return self

    def __next__(self):
        if self.at == len(VALUES):
            raise StopIteration
        self.at += 1
        return VALUES[self.at - 1], LABELS[self.at - 1]


class Batched(IterableDataset):
    """Makes batches of its own, of several sizes."""

    def __iter__(self):
        for size, start in ((10, 0), (20, 10), (60, 30)):
            yield VALUES[start : start + size], LABELS[start : start + size]


class Gone(IterableDataset):
    """Wraps a generator that is at its end after a pass."""

    def __init__(self):
        self.pairs = zip(VALUES, LABELS, strict=True)

    def __iter__(self):
        return self.pairs


class GoneInside(Gone):
    """The same behind another iterator."""

    def __iter__(self):
        return iter(pair for pair in self.pairs)


class Further(IterableDataset):
    """Never ends, and goes on where it was."""

    def __init__(self):
        self.count = itertools.count()

    def __iter__(self):
        return ((VALUES[n % 90], LABELS[n % 90]) for n in self.count)


@pytest.mark.parametrize("kind", [Stream, Generated, Rewound, Batched])
def test_an_epoch_of_a_stream_is_one_pass(kind, tmp_path) -> None:
    """Its length is known when it is over, and twice the same seed gives twice the same."""
    loader = DataLoader(kind(), None if kind is Batched else 30)
    task = a_task(loader, trained=False)

    one, two = (
        evoframe.evolve(task, out=tmp_path / name, generations=2, options=SHORT) for name in "ab"
    )

    assert one.digest() == two.digest()
    assert math.isfinite(one.best.fitness.value("loss"))


def test_a_stream_learns_what_a_list_of_the_same_learns(tmp_path) -> None:
    """Where the rate of learning does not depend on the length of an epoch."""
    options = [*SHORT, "training.schedule=constant"]
    loaders = {"list": plain(), "stream": DataLoader(Stream(), 30)}

    digests = {
        evoframe.evolve(
            a_task(loader, trained=False), out=tmp_path / name, generations=2, options=options
        ).digest()
        for name, loader in loaders.items()
    }

    assert len(digests) == 1


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("kind", [Gone, GoneInside, Further])
def test_a_stream_that_cannot_be_read_again_is_refused(kind, split) -> None:
    """The second life would learn from nothing, or from something else."""
    loaders = {"train": plain()} | {split: DataLoader(kind(), 30)}

    with pytest.raises(TaskError, match=f"the {split} loader does not begin anew"):
        a_task(**loaders)


STREAMING = '''
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        for points, labels in self.pairs:
            yield from zip(points, labels)


@attrs.frozen
class Streaming(Blobs):
    """Blobs whose batches are a loader over a stream, or a generator."""

    name = "streaming"
    generator: bool = attrs.field(default=False, metadata=doc("yield them"))

    def batches(self, split, *, shuffle=None, batch_size=None):
        pairs = super().batches(split, shuffle=shuffle, batch_size=batch_size)
        return iter(pairs) if self.generator else DataLoader(Stream(pairs), 16)
'''


@pytest.mark.parametrize("generator", ["true", "false"])
@pytest.mark.parametrize("command", ["inspect", "evolve"])
def test_tasks_of_files_may_stream_too(command, generator, tmp_path, monkeypatch) -> None:
    """Also where `inspect` would count the batches."""
    monkeypatch.chdir(tmp_path)
    from support import blobs

    (tmp_path / "streaming.py").write_text(Path(blobs.__file__).read_text() + STREAMING)
    words = [command, "--task", "streaming.py:Streaming", "-o", f"task.generator={generator}"]

    done = CliRunner().invoke(main, [*words, *(["--generations", "2"] * (command == "evolve"))])

    assert done.exit_code == 0, done.output
    assert ("cannot be counted" in done.output) == (command == "inspect")


STEPS: list[tuple[str, int]] = []


@attrs.frozen
class Counting(Nurture):
    """Puts down the number of every step."""

    name = "counting"

    def after_step(self, phenotype, optimiser, context, step):
        STEPS.append((context.id, step))
        return phenotype


@attrs.frozen(eq=False)
class Interrupts(Observer):
    """Stops a run after the first epoch of an individual."""

    name = "interrupts"

    @hookimpl
    def evoframe_epoch_finished(self, event):
        if (event.individual, event.epoch) == ("g2s0", 1):
            raise KeyboardInterrupt


def test_steps_of_a_stream_go_on_where_a_life_was_put_down(tmp_path) -> None:
    """No epoch tells how many there were before it, so they are on record."""
    STEPS.clear()
    task, nurture = a_task(DataLoader(Stream(), 30)), Counting()
    options = [*SHORT, "run.checkpoint=0"]

    with pytest.raises(KeyboardInterrupt):
        evoframe.evolve(
            task,
            out=tmp_path / "run",
            nurture=nurture,
            observer=Interrupts(),
            generations=2,
            options=options,
        )
    evoframe.resume(tmp_path / "run", task=task, nurture=nurture, observer=[])

    assert [("g2s0", step) for step in range(6)] == STEPS


# --- batches of one -------------------------------------------------------------------------------


def normed(kind=nn.BatchNorm1d):
    return nn.Sequential(nn.Linear(6, 8), kind(8), nn.ReLU(), nn.Linear(8, 2))


class Functional(nn.Module):
    """Batch norm without a layer of it."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.a(x)
        x = nn.functional.batch_norm(x, x.new_zeros(8), x.new_ones(8), training=self.training)
        return self.b(x.relu())


class Pooled(nn.Module):
    """Statistics over maps first, which take a batch of one, then over vectors, which do not."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv1d(1, 4, 3), nn.Linear(4, 8), nn.Linear(8, 2)
        self.over_maps, self.over_vectors = nn.BatchNorm1d(4), nn.BatchNorm1d(8)

    def forward(self, x):
        x = self.over_maps(self.a(x[:, None])).relu().mean(2)
        return self.c(self.over_vectors(self.b(x)).relu())


@pytest.mark.parametrize("training", ["gradient", "none"])
@pytest.mark.parametrize("net", [normed, Pooled], ids=["one norm", "the second norm"])
def test_a_last_batch_of_one_is_left_out(net, training, tmp_path) -> None:
    """With a word, and as if it had never been there."""
    network, more = net(), {"training": training, "generations": 2}
    task = a_task(plain(VALUES[:41], LABELS[:41], 20), net=network)
    shorter = a_task(plain(VALUES[:41], LABELS[:41], 20, drop_last=True), net=network)
    if training == "gradient":
        more["options"] = ["training.epochs=1", "training.schedule=constant"]

    with pytest.warns(UserWarning, match="one example is left out"):
        run = evoframe.evolve(task, out=tmp_path / "run", **more)

    assert run.digest() == evoframe.evolve(shorter, out=tmp_path / "shorter", **more).digest()


def test_a_batch_of_one_is_learned_from_where_that_works(tmp_path) -> None:
    """Without batch norm nothing is left out."""
    tasks = [a_task(plain(VALUES[:41], LABELS[:41], 20, drop_last=drop)) for drop in (False, True)]

    one, two = (
        evoframe.evolve(task, out=tmp_path / str(n), generations=2, options=SHORT)
        for n, task in enumerate(tasks)
    )

    assert one.digest() != two.digest()


@pytest.mark.parametrize("net", [normed, Functional, Pooled])
def test_nothing_but_batches_of_one_is_refused_first(net, tmp_path) -> None:
    """No life could learn anything."""
    with pytest.raises(TaskError, match="hold one example, and batch norm needs two"):
        evoframe.evolve(a_task(plain(size=1), net=net()), out=tmp_path / "run", generations=2)

    assert not (tmp_path / "run").exists()


def test_an_option_that_makes_batches_of_one_is_refused_first(tmp_path) -> None:
    """The size of batches may come from the recipe."""
    with pytest.raises(TaskError, match="batch norm needs two"):
        evoframe.evolve(Blobs(norm=True), out=tmp_path / "run", options=["training.batch_size=1"])


# --- labels and inputs ----------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [2, 7, -1, -7, 255])
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_labels_out_of_range_are_refused_first(wrong, split) -> None:
    """A last label in the last batch would end the first life, or all lives on a GPU."""
    labels = LABELS.clone()
    labels[-1] = wrong

    with pytest.raises(TaskError, match=f"the {split} loader gives the label {wrong}, and .* 0 to"):
        a_task(**({"train": plain()} | {split: plain(labels=labels)}))


class Pairs(torch.utils.data.Dataset):
    """A data set that shows its labels one by one only."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return VALUES[index], self.labels[index]


def test_labels_are_looked_at_in_passing_too(tmp_path) -> None:
    """Where they do not lie in memory, each batch is looked at before the loss is."""
    labels = LABELS.clone()
    labels[-1] = 2
    task = a_task(DataLoader(Pairs(labels), 30))

    with pytest.raises(EvoframeError, match="the train loader gives the label 2"):
        evoframe.evolve(task, out=tmp_path / "run", generations=2)


@pytest.mark.parametrize(
    ("labels", "loss"),
    [
        (LABELS.where(LABELS > 0, -100), nn.functional.cross_entropy),
        (LABELS.where(LABELS > 0, 255), nn.CrossEntropyLoss(ignore_index=255)),
        (torch.nn.functional.one_hot(LABELS).float(), nn.functional.cross_entropy),
        (LABELS + 5, lambda outputs, targets: nn.functional.cross_entropy(outputs, targets - 5)),
    ],
)
def test_labels_that_a_loss_takes_are_let_pass(labels, loss, tmp_path) -> None:
    """Those it ignores, shares of classes, and whatever a loss of one's own makes of them."""
    loader = plain(labels=labels)
    task = a_task(loader, loader, loss=loss)

    run = evoframe.evolve(task, out=tmp_path / "run", generations=2, options=SHORT)

    assert math.isfinite(run.best.fitness.value("loss"))


def collated(make):
    return lambda pairs: (make([x for x, _ in pairs]), torch.stack([y for _, y in pairs]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda xs: ["a text"] * len(xs), "a str as input"),
        (lambda xs: [tuple("ab")] * len(xs), "a tuple of str as input"),
        (lambda xs: torch.stack(xs).numpy(), "a ndarray as input"),
        (lambda xs: torch.stack(xs).cfloat(), "complex64; wanted real numbers"),
        (lambda _: torch.tensor(1.0), "a tensor without axes"),
    ],
)
def test_inputs_that_are_no_real_tensors_are_refused(make, said) -> None:
    """In one line that says what they are."""
    with pytest.raises(TaskError) as caught:
        a_task(plain(collate_fn=collated(make)))

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_loader_is_seeded_and_counted_as_before() -> None:
    """Only a stream has no length."""
    task = a_task(plain())

    assert len(task.batches("train", shuffle=Key(1))) == 3
    with pytest.raises(TypeError):
        len(a_task(DataLoader(Stream(), 30)).batches("train"))
