"""Ask and tell: the same run, whoever trains, however often it is broken off."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import evoframe
from evoframe.errors import ConfigError, EvoframeError, RunError, RunLockedError

torch.manual_seed(0)
INPUTS = torch.randn(300, 8)
TARGETS = (INPUTS[:, 0] > INPUTS[:, 1]).long()
TASK = evoframe.task(
    network=nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)
    ),
    train=(INPUTS[:200], TARGETS[:200]),
    validation=(INPUTS[200:], TARGETS[200:]),
    loss=nn.functional.cross_entropy,
    metrics={"accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float()},
    trained=False,
)
CHOICES: dict[str, Any] = {"generations": 4, "population": 3, "selection": "truncation"}


def ask_tell(out: Path, **choices: Any) -> evoframe.Session:
    return evoframe.ask_tell(TASK, out=out, **{**CHOICES, **choices})


def train(network: nn.Module) -> None:
    torch.manual_seed(1)
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(5):
        loss = nn.functional.cross_entropy(network(INPUTS[:200]), TARGETS[:200])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def one_by_one(out: Path, at_most: int = 1000) -> evoframe.Run:
    with ask_tell(out) as session:
        for number, asked in enumerate(session):
            if number == at_most:
                break
            train(asked.network)
            session.tell(asked.id, asked.network, epochs=5)
    return session.run


def test_whoever_trains_the_run_is_the_same(tmp_path: Path) -> None:
    """One by one; broken off again and again; all at once, out of order, in copies and wrappers."""
    whole = one_by_one(tmp_path / "whole")

    for at_most in (0, 1, 4, 2):
        one_by_one(tmp_path / "broken", at_most)
    assert one_by_one(tmp_path / "broken").digest() == whole.digest()

    with ask_tell(tmp_path / "several") as session:
        while session.ending is None:
            together = []
            while (asked := session.ask()) is not None:
                together.append(asked)
            assert session.waiting == tuple(one.id for one in together)
            for asked in reversed(together):
                network = nn.DataParallel(pickle.loads(pickle.dumps(asked.network)))
                train(network)
                told = network if asked.id.endswith("0") else network.state_dict()
                session.tell(asked.id, told, epochs=5)
    assert session.run.digest() == whole.digest()
    assert len(whole.individuals) == 1 + 3 * 3
    assert whole.ending == "generation 4 was the last one asked for"


def compiled_in_parts(network: nn.Module) -> nn.Module:
    for name, child in list(network.named_children()):
        setattr(network, name, torch.compile(child))
    return network


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_weights_come_back_out_of_any_wrapper_in_any_order(tmp_path: Path) -> None:
    """What is compiled, spread over devices, or both, has other names."""
    wrappers = [
        torch.compile,
        lambda network: torch.compile(nn.DataParallel(network)),
        lambda network: nn.DataParallel(torch.compile(network)),
        lambda network: nn.DataParallel(compiled_in_parts(network)),
        compiled_in_parts,
    ]
    with ask_tell(tmp_path / "run", generations=len(wrappers), population=1) as session:
        for wrapper, asked in zip(wrappers, session, strict=True):
            network = wrapper(pickle.loads(pickle.dumps(asked.network)))
            due = {name: value.clone() for name, value in asked.network.state_dict().items()}
            with torch.no_grad():
                for one in network.parameters():
                    one.mul_(0.5)
            assert session.tell(asked.id, network, {"accuracy": 0.5})
            weight = session.run.network(asked.id).state_dict()["0.weight"]
            assert torch.equal(weight, 0.5 * due["0.weight"])


def test_what_is_absent_stays_absent_and_what_was_measured_counts(tmp_path: Path) -> None:
    """However it was trained; and nobody measures again what somebody has measured."""
    with ask_tell(tmp_path / "run", generations=2) as session:
        for number, asked in enumerate(session):
            train(asked.network)
            state = {name: value + 1 for name, value in asked.network.state_dict().items()}
            assert session.tell(asked.id, state, {"accuracy": number / 10}, test={"accuracy": 0.5})
    run = session.run

    assert [one.fitness.value("accuracy") for one in run.individuals] == [0, 0.1, 0.2, 0.3]
    assert run.ancestor.fitness.test["accuracy"].value == 0.5
    assert 0 < run["g2s0"].synapses < run.ancestor.synapses
    assert run["g2s0"].fitness.costs == session.run["g2s0"].fitness.costs


def test_who_is_lost_is_asked_for_again(tmp_path: Path) -> None:
    """With the same bits; and who is not finite is stillborn, not on record as fit."""
    with ask_tell(tmp_path / "run") as session:
        first = session.ask()
        before = {name: value.clone() for name, value in first.network.state_dict().items()}
        assert session.ask() is None
        train(first.network)
        session.lost(first.id)
        again = session.ask()
        assert again.id == first.id
        for name, value in again.network.state_dict().items():
            assert torch.equal(value, before[name])
        session.tell(again.id, again.network)
        born = session.ask()
        broken = {n: v * float("nan") for n, v in born.network.state_dict().items()}
        broken["1.num_batches_tracked"] = born.network.state_dict()["1.num_batches_tracked"]
        assert not session.tell(born.id, broken)
    assert "not finite" in session.run[born.id].stillborn


def refused(session: evoframe.Session, call: Any) -> str:
    with pytest.raises(EvoframeError) as told:
        call(session)
    return str(told.value)


def test_what_is_wrong_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """By name and with the remedy, as everywhere."""
    run = one_by_one(tmp_path / "run", 3)
    digest = run.digest()
    with ask_tell(tmp_path / "run") as session:
        asked = session.ask()
        assert "no open request 'g9s9'" in refused(session, lambda s: s.tell("g9s9", asked.network))
        small = {"0.weight": torch.zeros(2, 2)}
        assert "is not the one that was handed out" in refused(
            session, lambda s: s.tell(asked.id, small)
        )
        metrics = {"loss": 1.0}
        told = refused(session, lambda s: s.tell(asked.id, asked.network, metrics))
        assert "metrics lack 'accuracy'" in told
        told = refused(session, lambda s: s.tell(asked.id, asked.network, {"accuracy": "high"}))
        assert "wanted a number" in told
        assert "its result was not told" in refused(session, list)
        with pytest.raises(RunLockedError):
            ask_tell(tmp_path / "run")
    assert evoframe.open_run(tmp_path / "run", task=TASK).digest() == digest
    with pytest.raises(RunError, match=r"another run\.seed"):
        ask_tell(tmp_path / "run", seed=5)
    with pytest.raises(ConfigError, match="training has no effect"):
        ask_tell(tmp_path / "other", training="gradient")
    with pytest.raises(ConfigError, match="nurture 'distillation' acts while evoframe trains"):
        ask_tell(tmp_path / "other", nurture=["distillation"])
    with pytest.raises(ConfigError, match="take litter='single'"):
        ask_tell(tmp_path / "other", litter="fittest")
    with pytest.raises(ConfigError, match="encoding is an empty list"):
        ask_tell(tmp_path / "other", encoding=[])
    with pytest.raises(RunError, match="trained elsewhere"):
        evoframe.resume(tmp_path / "run", task=TASK)
    assert not (tmp_path / "other").exists()
