"""State: what a genotype holds of networks whose state dicts say something else."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.modules.entries import passing_of, state_of
from support.exactness import share_that_leaves


def layers() -> list[nn.Module]:
    return [nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)]


class WithADictionary(nn.Sequential):
    def get_extra_state(self):
        return {"epoch": 3}

    def set_extra_state(self, state):
        self.epoch = state["epoch"]


class WithATensor(WithADictionary):
    def get_extra_state(self):
        return torch.arange(3)


class WithNothing(WithADictionary):
    def get_extra_state(self):
        return None


class InsideALayer(nn.Linear):
    def get_extra_state(self):
        return "a string"

    def set_extra_state(self, state):
        pass


class Renamed(nn.Sequential):
    def state_dict(self, *args, **kwargs):
        return {f"model.{name}": one for name, one in super().state_dict(*args, **kwargs).items()}


class Filtered(nn.Sequential):
    def state_dict(self, *args, **kwargs):
        named = super().state_dict(*args, **kwargs)
        return {name: one for name, one in named.items() if not name.startswith("2.")}


class AddedTo(nn.Sequential):
    def state_dict(self, *args, **kwargs):
        return {**super().state_dict(*args, **kwargs), "version": 7, "seen": torch.ones(2)}


def hooked(hook) -> nn.Module:
    network = nn.Sequential(*layers())
    network._register_state_dict_hook(hook)
    return network


def drop_biases(_module, state, _prefix, _metadata):
    for name in [name for name in state if name.endswith("bias")]:
        del state[name]


def to_halves(_module, state, prefix, _metadata):
    for name in list(state):
        state[f"{prefix}half.{name}"] = state.pop(name).half()


HELD = {
    "extra state, a dictionary": lambda: WithADictionary(*layers()),
    "extra state, a tensor": lambda: WithATensor(*layers()),
    "extra state, nothing": lambda: WithNothing(*layers()),
    "extra state of a layer": lambda: nn.Sequential(InsideALayer(6, 24), *layers()[1:]),
    "renamed": lambda: Renamed(*layers()),
    "filtered": lambda: Filtered(*layers()),
    "added to": lambda: AddedTo(*layers()),
    "a hook that drops": lambda: hooked(drop_biases),
    "a hook that renames and halves": lambda: hooked(to_halves),
}


@pytest.mark.parametrize("held", HELD)
def test_a_genotype_holds_what_computes_whatever_a_state_dict_says(held: str) -> None:
    torch.manual_seed(0)
    network = HELD[held]()
    plan = anatomy.survey(network, (torch.zeros(1, 6),), ("0.weight", "2.weight"))
    assert list(plan.genotype().state) == [name for name, _ in network.named_parameters()]
    assert share_that_leaves(network, (torch.randn(5, 6).double(),)) > 0.6


@pytest.mark.parametrize("held", ["extra state, a dictionary", "renamed", "added to"])
def test_it_lives_through_a_run_with_checkpoints(held: str, tmp_path) -> None:
    torch.manual_seed(0)
    values = torch.arange(360.0).reshape(60, 6).sin()
    pairs = torch.utils.data.TensorDataset(values, (values[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(
        network=HELD[held](),
        train=loader,
        validation=loader,
        loss=cross_entropy,
        trained=False,
    )
    options = ["training.epochs=2", "run.checkpoint=0"]
    settings = {"observer": [], "generations": 3, "population": 2, "options": options}
    run = evoframe.evolve(task, out=tmp_path / "run", **settings)
    assert run.network()(values).isfinite().all()


class RegisteredTwice(nn.Module):
    """A batch norm under two names, as where a part of a backbone is registered once more."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()
        )
        self.stem, self.rest = self.backbone[:3], self.backbone[3:]
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.rest(self.stem(x)))


class SharedBuffer(nn.Module):
    """A buffer of one entry a channel that two modules have."""

    def __init__(self, *, lasting: tuple[bool, bool]) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        scale = torch.rand(16).double() + 0.5  # .double() leaves it alone, and the tie with it
        self.a.register_buffer("scale", scale, persistent=lasting[0])
        self.register_buffer("scale", scale, persistent=lasting[1])

    def forward(self, x):
        return self.head(relu(self.b(relu(self.a(x)) * self.a.scale)) + self.scale.sum() * 0)


class ParameterAsBuffer(nn.Module):
    """A parameter that is registered as a buffer as well."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        self.register_buffer("shown", self.a.bias)

    def forward(self, x):
        return self.head(relu(self.b(relu(self.a(x)))))


TWICE = {
    "modules": RegisteredTwice,
    "buffers": lambda: SharedBuffer(lasting=(True, True)),
    "buffers, one of them lasting": lambda: SharedBuffer(lasting=(False, True)),
    "buffers, the other one lasting": lambda: SharedBuffer(lasting=(True, False)),
    "a parameter and a buffer": ParameterAsBuffer,
}


@pytest.mark.parametrize("twice", TWICE)
def test_what_has_two_names_is_held_once_and_comes_home_whole(twice: str) -> None:
    torch.manual_seed(0)
    network = TWICE[twice]()
    state = state_of(network)
    assert len({id(one) for one in state.values()}) == len(state)
    names = ("backbone.0.weight", "backbone.3.weight") if twice == "modules" else None
    share = share_that_leaves(network, (torch.randn(5, 6).double(),), names)
    assert share > (0.4 if twice in ("modules", "a parameter and a buffer") else -0.01)


def test_a_buffer_lasts_if_one_of_its_names_does() -> None:
    both = SharedBuffer(lasting=(True, False))
    assert "scale" in state_of(both)
    assert not passing_of(both)
    neither = SharedBuffer(lasting=(False, False))
    assert set(passing_of(neither)) == {"scale"}


def test_a_plain_state_is_in_the_order_of_the_state_dict() -> None:
    network = RegisteredTwice().backbone
    assert list(state_of(network)) == list(network.state_dict())


class FindsABuffer(nn.Module):
    """A statistic that the first pass in training mode makes."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.head = nn.Linear(6, 8), nn.Linear(8, 2)
        self.register_buffer("mean", None)

    def forward(self, x):
        x = relu(self.a(x))
        if self.training:
            self.mean = x.detach().mean()
        return self.head(x)


class ShapesABuffer(FindsABuffer):
    """A memory that grows with every pass in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.zeros(3)

    def forward(self, x):
        if self.training:
            self.mean = torch.cat([self.mean, torch.zeros(1)])
        return self.head(relu(self.a(x)))


class LosesABuffer(FindsABuffer):
    """A buffer that training throws away."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.zeros(3)

    def forward(self, x):
        if self.training:
            self.mean = None
        return self.head(relu(self.a(x)))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FindsABuffer, "the entry 'mean' of the network's state came while it was trained"),
        (ShapesABuffer, "the entry 'mean' of the network's state has shape (4,) after training"),
        (LosesABuffer, "the entry 'mean' of the network's state vanished while it was trained"),
    ],
)
def test_a_state_that_training_changes_in_kind_is_refused(kind: type, words: str) -> None:
    plan = anatomy.survey(kind(), (torch.zeros(2, 6),), ("a.weight",))
    phenotype = plan.develop(plan.genotype())
    phenotype.network.train()(torch.zeros(2, 6))
    with pytest.raises(TaskError) as caught:
        plan.absorb(phenotype)
    assert str(caught.value).startswith(words)
    assert len(str(caught.value).splitlines()) == 1
