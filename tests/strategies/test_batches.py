"""Batches and outputs as people have them: mappings, named tuples, dataclasses, several losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset, TensorDataset

import evoframe
from evoframe.cli.main import main
from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.modules.nested import has_rows, joined, mapped, rows, tensors_within

N = 40
DICE = torch.Generator().manual_seed(0)
WORDS = torch.randint(0, 20, (N, 5), generator=DICE)
MASK = (torch.rand(N, 5, generator=DICE) < 0.8).float()
MASK[:, 0] = 1.0
VALUES = torch.randn(N, 6, generator=DICE)
LABELS = WORDS[:, 0] % 2
CPU = torch.device("cpu")


@dataclass
class Answer:
    """As models of transformers give it."""

    logits: Tensor
    loss: Tensor | None = None
    states: tuple[Tensor, ...] = ()


class Reader(nn.Module):
    """Reads words under a mask, and computes its loss if it is given labels."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 16)
        self.a, self.b, self.head = nn.Linear(16, 24), nn.Linear(24, 24), nn.Linear(24, 2)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> Answer:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        x = F.relu(self.a(self.words(input_ids))) * mask[..., None]
        state = F.relu(self.b(x.sum(1) / mask.sum(1, keepdim=True)))
        logits = self.head(state)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return Answer(logits, loss, (state,))


def right(outputs: Any, targets: Tensor) -> Tensor:
    return (outputs.logits.argmax(1) == targets).float()


def of_rows(rows: Any, size: int = 10) -> DataLoader[Any]:
    return DataLoader(rows, size)


def sentences() -> DataLoader[Any]:
    parts = zip(WORDS, MASK, LABELS, strict=True)
    return of_rows([{"input_ids": w, "attention_mask": m, "labels": y} for w, m, y in parts])


def evolved(task: Any, folder: Any, **more: Any) -> evoframe.Run:
    settings = {"generations": 2, "options": ["training.epochs=1"], "observer": []}
    shrinking = {"environment": ["budget"]}
    return evoframe.evolve(task, out=folder, **(settings | shrinking | more))


def a_task(network: nn.Module, loader: Any, **more: Any) -> Any:
    torch.manual_seed(0)
    return evoframe.task(network=network, train=loader, validation=loader, **more)


# --- a network that computes its loss -------------------------------------------------------------


@pytest.mark.slow
def test_a_mapping_with_labels_is_all_that_a_network_with_its_own_loss_needs(tmp_path) -> None:
    """Evolved, shown, exported and loaded; where it is used it has no labels, and needs none."""
    torch.manual_seed(0)
    task = a_task(Reader(), sentences(), metrics={"accuracy": right})

    shapes = {name: tuple(one.shape) for name, one in task.example_inputs().items()}
    assert shapes == {"input_ids": (1, 5), "attention_mask": (1, 5)}

    run = evolved(task, tmp_path / "run")

    small = run.network()
    folder = run.export(tmp_path / "state")
    again = evoframe.load(folder, Reader).eval()
    given = {"input_ids": WORDS[:7], "attention_mask": MASK[:7]}
    assert torch.allclose(again(**given).logits, small(**given).logits)
    assert run.best.fitness.costs["parameters"] < run.ancestor.fitness.costs["parameters"]
    assert run.best.fitness.costs["flops"] < run.ancestor.fitness.costs["flops"]
    shown = CliRunner().invoke(main, ["show", str(tmp_path / "run")])
    assert shown.exit_code == 0


def test_the_loss_of_a_network_is_the_loss_of_its_batches() -> None:
    network = Reader()
    task = a_task(network, sentences())
    batch = next(iter(task.batches("train")))

    loss = task.step(network, batch)

    assert torch.equal(loss, network(**batch).loss)
    measured = task.evaluate(network.eval(), "validation", CPU)["loss"]
    losses = [network(**one).loss for one in task.batches("validation")]
    assert measured.value == pytest.approx(float(torch.stack(losses).mean().detach()))


class Penalised(Reader):
    """Its loss has a mean over hidden channels, which no output shows."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> Answer:
        hidden = F.relu(self.b(F.relu(self.a(self.words(input_ids).sum(1)))))
        logits = self.head(hidden)
        if labels is None:
            return Answer(logits)
        return Answer(logits, F.cross_entropy(logits, labels) + hidden.mean())


def test_what_only_the_loss_of_a_network_reads_stays(tmp_path) -> None:
    """A mean over fewer channels is another loss, though the answers are the same."""
    run = evoframe.evolve(
        a_task(Penalised(), sentences()), out=tmp_path / "run", generations=1, observer=[]
    )

    anatomy = run.anatomy
    stays = {
        name: bool(anatomy.bundles.by_class(anatomy.bundles.kept)[channels.reshape(-1)].all())
        for name, channels in anatomy.wiring.targets.items()
    }
    assert stays == {"a.weight": False, "b.weight": True}


@pytest.mark.slow
def test_a_network_is_grown_again_from_what_is_on_record(tmp_path, monkeypatch) -> None:
    """Without its task: the record holds the shapes of its inputs, in use and in training."""
    monkeypatch.chdir(tmp_path)
    evolved(a_task(Reader(), sentences()), tmp_path / "run")
    (tmp_path / "built.py").write_text(
        "from strategies.test_batches import Reader\n\ndef factory():\n    return Reader()\n",
        "utf-8",
    )

    told = CliRunner().invoke(main, ["export", "run", "--network", "built.py:factory"])

    assert told.exit_code == 0, told.output


class NeedsLabels(Reader):
    """Runs with labels only, as sequence models that shift them do."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Answer:
        return super().forward(input_ids, attention_mask, labels + 0)


def test_labels_are_among_the_example_inputs_where_nothing_runs_without() -> None:
    assert "labels" in a_task(NeedsLabels(), sentences()).example_inputs()


class InTraining(Reader):
    """Gives losses in training and answers in evaluation, as detectors do."""

    def forward(self, pictures: list[Tensor], wanted: list[dict[str, Tensor]]) -> Any:
        logits = super().forward(torch.stack(pictures)).logits
        if not self.training:
            return [{"scores": one} for one in logits]
        labels = torch.stack([one["label"] for one in wanted])
        return {"classes": F.cross_entropy(logits, labels), "size": 0.01 * logits.square().mean()}


def test_a_detector_gives_losses_in_training_and_answers_in_evaluation(tmp_path) -> None:
    rows = [(w, {"label": y}) for w, y in zip(WORDS, LABELS, strict=True)]
    loader = DataLoader(
        rows, 10, collate_fn=lambda pairs: tuple(map(list, zip(*pairs, strict=True)))
    )

    def share(outputs: Any, targets: Any) -> float:
        assert len(outputs) == len(targets)
        hits = [
            one["scores"].argmax() == due["label"]
            for one, due in zip(outputs, targets, strict=True)
        ]
        return float(torch.stack(hits).float().mean())

    task = a_task(
        InTraining(),
        loader,
        forward=lambda network, batch: network(*batch),
        loss=lambda outputs, _: sum(outputs.values()),
        metrics={"share": evoframe.over_data_set(share)},
    )

    run = evolved(task, tmp_path / "run")

    assert len(task.example_inputs()[0]) == 1  # one picture
    assert run.best.fitness.validation["share"].error is not None


# --- what goes where ------------------------------------------------------------------------------


class Triple(NamedTuple):
    words: Tensor
    mask: Tensor
    label: Tensor


@dataclass(frozen=True)
class Kept:
    words: Tensor
    mask: Tensor
    label: Tensor


@dataclass
class Movable:
    """A batch of some library: no mapping, and it moves itself."""

    words: Tensor
    label: Tensor

    def to(self, device: torch.device) -> Movable:
        self.words, self.label = self.words.to(device), self.label.to(device)
        return self


def triples(kind: Any) -> DataLoader[Any]:
    rows = list(zip(WORDS, MASK, LABELS, strict=True))
    stacked = lambda rows: kind(*(torch.stack(part) for part in zip(*rows, strict=True)))  # noqa: E731
    return DataLoader(rows, 10, collate_fn=stacked)


def loss(outputs: Any, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs.logits, targets)


def call(network: nn.Module, batch: Any) -> Any:
    return network(batch[0], attention_mask=batch[1])


DESCRIBED = {
    "named tuple": (
        triples(Triple),
        {"forward": {"input_ids": "words", "attention_mask": "mask"}, "targets": "label"},
    ),
    "dataclass": (triples(Kept), {"forward": ("words", "mask"), "targets": "label"}),
    "places": (triples(lambda *parts: parts), {"forward": (0, 1), "targets": 2}),
    "the others": (triples(lambda *parts: parts), {"targets": -1}),
    "functions": (triples(Triple), {"forward": call, "targets": lambda batch: batch.label}),
    "pair": (triples(lambda words, mask, label: ((words, mask), label)), {}),
    "mapping in a pair": (
        triples(lambda w, m, y: ({"input_ids": w, "attention_mask": m}, y)),
        {},
    ),
    "mapping": (sentences(), {}),
    "mapping, other names": (
        of_rows(
            [
                {"input_ids": w, "attention_mask": m, "class": y}
                for w, m, y in zip(WORDS, MASK, LABELS, strict=True)
            ]
        ),
        {"targets": "class"},
    ),
    "in memory": ({"input_ids": WORDS, "attention_mask": MASK, "labels": LABELS}, {}),
    "a pair in memory": (((WORDS, MASK), LABELS), {"batch_size": 10}),
    "arrays in memory": (
        ({"input_ids": WORDS.numpy(), "attention_mask": MASK.numpy()}, LABELS.numpy()),
        {"batch_size": 10},
    ),
    "a data set": (TensorDataset(WORDS, MASK, LABELS), {"targets": 2, "batch_size": 10}),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_all_ways_to_say_what_goes_where_mean_the_same(name: str) -> None:
    torch.manual_seed(0)
    network = Reader().eval()
    data, said = DESCRIBED[name]

    task = a_task(network, data, loss=loss, metrics={"accuracy": right}, **said)

    due = right(network(WORDS, MASK), LABELS)
    assert task.evaluate(network, "validation", CPU)["accuracy"].value == pytest.approx(
        float(due.mean())
    )
    example = evoframe.Arguments.of(task.example_inputs())
    assert [tuple(one.shape) for one in example.tensors] == [(1, 5), (1, 5)]
    batch = next(iter(task.batches("train")))
    assert task.step(network, batch).requires_grad
    assert task.examples_in(batch) in (10, 40)


def test_batches_in_memory_are_of_the_size_that_a_training_asks_for() -> None:
    task = a_task(nn.Linear(6, 2), (VALUES, LABELS), loss=F.cross_entropy, evolvable=("weight",))

    sizes = [len(labels) for _, labels in task.batches("train", batch_size=7)]
    one, other = (
        [labels for _, labels in task.batches("train", shuffle=key)]
        for key in (evoframe.Key(1), evoframe.Key(1))
    )

    assert sizes == [7, 7, 7, 7, 7, 5]
    assert all(map(torch.equal, one, other))
    assert not torch.equal(torch.cat(one), LABELS)


class Lines(Dataset[Any]):
    """Examples of several lengths."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return VALUES[: 1 + index % 5], LABELS[index]


def test_examples_of_a_data_set_are_collated_as_by_a_loader() -> None:
    """In batches of whatever size a training asks for."""

    def padded(several: list[Any]) -> tuple[Tensor, Tensor]:
        lines, labels = zip(*several, strict=True)
        return nn.utils.rnn.pad_sequence(list(lines), batch_first=True).sum(1), torch.stack(labels)

    network = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
    task = a_task(network, Lines(), loss=F.cross_entropy, collate_fn=padded)

    found = list(task.batches("validation", batch_size=7))
    for one, other in zip(found, DataLoader(Lines(), 7, collate_fn=padded), strict=True):
        assert all(map(torch.equal, one, other))
    assert sum(map(task.examples_in, task.batches("train", shuffle=evoframe.Key(1)))) == N


REFUSED = {
    "a batch is a Triple of 'words', 'mask', 'label'": (triples(Triple), {}),
    "a batch is a tuple of 3": (triples(lambda *parts: parts), {}),
    "a batch is a dict of 'x'": (of_rows([{"x": one} for one in VALUES]), {}),
    "there is no 'klass' in a dict": (sentences(), {"targets": "klass"}),
    "which it does not take; it takes 'input_ids'": (
        of_rows([{"ids": w, "labels": y} for w, y in zip(WORDS, LABELS, strict=True)]),
        {},
    ),
    "does not call the network: it raised KeyError": (
        sentences(),
        {"forward": lambda network, batch: network(batch["nobody"])},
    ),
    "forward=...) was given a float": (sentences(), {"forward": 0.5}),
    "targets=...) was given a bool": (sentences(), {"targets": True}),
    "hold 3 and 40 examples": ((WORDS, LABELS[:3]), {}),
    "train=...) was given a int": (3, {}),
    "batch_size=4) is for data sets and tensors": (sentences(), {"batch_size": 4}),
    "loss=...) was given a int": (sentences(), {"loss": 3}),
    "collate_fn=...) is for data sets": ((WORDS, LABELS), {"collate_fn": list}),
}


@pytest.mark.parametrize("words", REFUSED)
def test_batches_that_cannot_be_read_are_refused_in_one_line(words: str) -> None:
    data, said = REFUSED[words]
    with pytest.raises(TaskError) as caught:
        a_task(Reader(), data, **({"loss": loss} | said))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_without_the_loss_that_it_is_asked_for_is_refused_first(tmp_path) -> None:
    loader = of_rows(TensorDataset(VALUES, LABELS))
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))

    with pytest.raises(TaskError, match="computes no loss: its outputs are a Tensor"):
        evolved(a_task(network, loader), tmp_path / "run")

    assert not (tmp_path / "run").exists()


# --- several outputs ------------------------------------------------------------------------------


class Both(nn.Module):
    """A class and a number."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind, self.trunk = kind, nn.Linear(6, 24)
        self.one, self.other = nn.Linear(24, 2), nn.Linear(24, 1)

    def forward(self, values: Tensor) -> Any:
        x = F.relu(self.trunk(values))
        return self.kind(self.one(x), self.other(x).squeeze(1))


class TwoAnswers(NamedTuple):
    kind: Tensor
    size: Tensor


@dataclass
class TwoFields:
    kind: Tensor
    size: Tensor


def as_mapping(kind: Tensor, size: Tensor) -> dict[str, Tensor]:
    return {"kind": kind, "size": size}


def as_tuple(kind: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    return kind, size


@pytest.mark.parametrize("kind", [TwoAnswers, TwoFields, as_mapping, as_tuple])
def test_two_outputs_have_two_losses(kind: Any, tmp_path) -> None:
    names: Any = (0, 1) if kind is as_tuple else ("kind", "size")
    targets = {names[0]: LABELS, names[1]: VALUES.sum(1)}
    torch.manual_seed(0)
    network = Both(kind)
    task = a_task(
        network,
        (VALUES, targets),
        loss={names[0]: F.cross_entropy, names[1]: F.mse_loss},
        evolvable=("trunk.weight",),
    )
    batch = next(iter(task.batches("validation")))

    one, other = tensors_within(network(VALUES))
    due = F.cross_entropy(one, LABELS) + F.mse_loss(other, VALUES.sum(1))
    assert float(task.step(network, batch).detach()) == pytest.approx(float(due.detach()), rel=1e-5)

    run = evolved(task, tmp_path / "run", options=["training.epochs=1"])
    folder = run.export(tmp_path / "program", format="torch-export")
    program = torch.export.load(folder / "network.pt2").module()
    ours, theirs = tensors_within(run.network()(VALUES)), tensors_within(program(VALUES))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))
    assert run.best.fitness.costs["parameters"] < run.ancestor.fitness.costs["parameters"]


# --- nested values --------------------------------------------------------------------------------


def test_what_moves_itself_is_moved_as_a_copy() -> None:
    batch = Movable(WORDS, LABELS)

    moved = devices.move(batch, torch.device("meta"))

    assert moved.words.is_meta
    assert moved.label.is_meta
    assert not batch.words.is_meta


@pytest.mark.parametrize(
    "value",
    [
        VALUES,
        (VALUES, [LABELS, None]),
        {"a": VALUES, "b": (LABELS,)},
        Triple(WORDS, MASK, LABELS),
        Kept(WORDS, MASK, LABELS),
        Answer(VALUES, None, (LABELS,)),
        [{"boxes": torch.full((i, 4), float(i))} for i in range(N)],
    ],
)
def test_taken_apart_and_joined_a_value_is_itself(value: Any) -> None:
    parts = [rows(value, torch.arange(i, i + 10), N) for i in range(0, N, 10)]

    again = joined(parts, [10] * 4)

    assert has_rows(value, N)
    assert all(has_rows(part, 10) for part in parts)
    assert type(again) is type(value)
    assert all(map(torch.equal, tensors_within(again), tensors_within(value)))
    assert len(tensors_within(again)) == len(tensors_within(value))
    assert all(one.is_meta for one in tensors_within(mapped(value, lambda one: one.to("meta"))))
