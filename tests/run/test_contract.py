"""A strategy that breaks its contract, or fails, ends a run in one sentence that names it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import torch

import evoframe
from evoframe.errors import ConfigError, ContractError, StrategyError
from evoframe.plugin import (
    Asexual,
    Executor,
    Family,
    Gradient,
    Noise,
    Nurture,
    Observer,
    Retention,
    Synaptic,
    TrainingResult,
    Truncation,
    hookimpl,
)
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.record import RECORD, SEES, read_record
from evoframe.run.failing import FAILED

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
SHORT = {"generations": 3, "population": 2, "device": "cpu", "ancestor": Gradient(epochs=2)}


def made(base: type, method: str, act: Any, **facts: Any) -> Any:
    """Return a strategy that does as another one does, and changes what comes of it.

    Args:
        base: the other one.
        method: the one that is changed.
        act: takes what the other one returned, and what it was given.
        **facts: class attributes.
    """

    def changed(self: Any, *given: Any) -> Any:
        return act(getattr(base, method)(self, *given), *given)

    members = {method: changed, "name": "faulty", **facts}
    return attrs.frozen(type("Faulty", (base,), members))()


def evolved(path: Path, **strategies: Any) -> evoframe.Run:
    return evoframe.evolve(BLOBS, out=path / "run", **{**SHORT, **strategies})


def over(dna: Any, change: Any) -> Any:
    return attrs.evolve(dna, synapses={n: change(genes) for n, genes in dna.synapses.items()})


def with_table(change: Any) -> Any:
    return lambda dna, *_: over(
        dna, lambda genes: attrs.evolve(genes, log_survival=change(genes.log_survival))
    )


def with_levels(change: Any) -> Any:
    return lambda dna, *_: over(dna, lambda genes: attrs.evolve(genes, levels=change(genes.levels)))


def all_eligible(dna: Any, *_: Any) -> Any:
    return over(dna, lambda g: attrs.evolve(g, eligible=torch.ones_like(g.eligible)))


def without_first(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(mapping.items())[1:])


def first_changed(mapping: Mapping[str, Any], change: Any) -> dict[str, Any]:
    first = next(iter(mapping))
    return {**mapping, first: change(mapping[first])}


def moved(result: Any, phenotype: Any, context: Any) -> Any:
    """A training that grows synapses back."""
    masks = {name: torch.ones_like(mask) for name, mask in phenotype.masks.items()}
    return attrs.evolve(result, phenotype=result.phenotype.masked(masks))


BREACHES = {
    "encoding that returns nothing": (
        made(Synaptic, "encode", lambda *_: None),
        "it returned None; wanted DNA",
    ),
    "encoding with integers of 64 bits": (
        made(Synaptic, "encode", with_levels(torch.Tensor.long)),
        "levels of '0.weight' are int64; wanted int32",
    ),
    "encoding with a level too many": (
        made(Synaptic, "encode", with_levels(lambda levels: levels + 65_536)),
        "levels of '0.weight' go from",
    ),
    "encoding with negative levels": (
        made(Synaptic, "encode", with_levels(lambda levels: levels - 1)),
        "levels of '0.weight' go from -1 to",
    ),
    "encoding with a column less": (
        made(Synaptic, "encode", with_levels(lambda levels: levels[:, 1:])),
        "levels of '0.weight' are (16, 3); wanted (16, 4)",
    ),
    "encoding with a table of single precision": (
        made(Synaptic, "encode", with_table(lambda table: table.astype(np.float32))),
        "the table of '0.weight' is float32",
    ),
    "encoding that forgets a layer": (
        made(
            Synaptic,
            "encode",
            lambda dna, *_: attrs.evolve(dna, synapses=without_first(dna.synapses)),
        ),
        "there are genes for '2.weight'; wanted '0.weight', '2.weight'",
    ),
    "encoding that leaks": (
        made(Synaptic, "encode", all_eligible),
        "eligible synapses of '0.weight' are ones that were not eligible before; wanted none",
    ),
    "mutation that leaks without saying that it grows": (
        made(Noise, "mutate", all_eligible),
        "only a mutation with the trait 'grows'",
    ),
    "mutation with a table of NaN": (
        made(Noise, "mutate", with_table(lambda table: table * np.nan)),
        "a log-probability is NaN, at 65536 of 65536 levels",
    ),
    "environment with a table above 0": (
        made(Retention, "press", with_table(lambda table: np.abs(table) + 1e-3)),
        "a log-probability is above 0",
    ),
    "environment that leaks": (
        made(Retention, "press", all_eligible),
        "were not eligible before",
    ),
    "environment that promises nonsense": (
        made(Retention, "allowance", lambda *_: -1),
        "allowance() gives -1; wanted a number from 0 on, or None",
    ),
    "environment that promises NaN": (
        made(Retention, "allowance", lambda *_: np.float32("nan")),
        "wanted a number from 0 on, or None",
    ),
    "training without a loss": (
        made(Gradient, "train", lambda result, *_: attrs.evolve(result, loss=None)),
        "loss is None; wanted a number",
    ),
    "heredity without a state": (
        made(
            Asexual,
            "inherit",
            lambda found, *_: attrs.evolve(found, state=without_first(found.state)),
        ),
        "state lacks '0.weight'; wanted all of the ancestor's",
    ),
    "heredity with strengths of another shape": (
        made(
            Asexual,
            "inherit",
            lambda found, *_: attrs.evolve(
                found, strengths=first_changed(found.strengths, lambda one: one.T)
            ),
        ),
        "strengths of '0.weight' is (4, 16); wanted (16, 4)",
    ),
    "heredity that leaks": (
        made(
            Asexual,
            "inherit",
            lambda found, *_: attrs.evolve(
                found, eligible=first_changed(found.eligible, torch.ones_like)
            ),
        ),
        "eligible synapses of '0.weight' are ones that no parent has",
    ),
    "selection that gives too few": (
        made(Truncation, "select", lambda families, *_: families[:1]),
        "it gives 1 families; wanted 2",
    ),
    "selection with parents too many": (
        made(Truncation, "select", lambda *_: (Family(("g1s0", "g1s0")),) * 2),
        "a family has 2 parents; wanted 1",
    ),
    "selection of ids": (
        made(Truncation, "select", lambda *_: ("g1s0", "g1s0")),
        "it gives 'g1s0'; wanted Family",
    ),
    "selection by test results": (
        made(
            Truncation,
            "select",
            lambda families, population, _: (dict(population.ranked()[0].fitness.test), families)[
                1
            ],
        ),
        "it reads results on the test split; wanted validation alone",
    ),
    "training that revives": (
        made(Gradient, "train", moved),
        "are ones that its network was not born with; wanted none, without the trait 'rewires'",
    ),
    "training that returns the network": (
        made(Gradient, "train", lambda result, *_: result.phenotype.network),
        "it returned a Sequential; wanted TrainingResult",
    ),
    "training with another network": (
        made(
            Gradient,
            "train",
            lambda result, *_: TrainingResult(
                type(result.phenotype)(torch.nn.Linear(2, 2), {}), 1, 0.1
            ),
        ),
        "the network lacks '0.weight'",
    ),
    "nurture with a detached loss": (
        made(Nurture, "shape_loss", lambda loss, *_: loss.detach()),
        "it returned a loss with no gradient; wanted a scalar with its graph",
    ),
    "nurture that forgets to return": (
        made(Nurture, "after_step", lambda *_: None),
        "it returned None; wanted Phenotype",
    ),
    "nurture that sends nobody": (
        made(Nurture, "begin", lambda *_: None),
        "begin() returned None, which has no before_epoch()",
    ),
}


@pytest.mark.parametrize("kind", BREACHES)
def test_a_breach_ends_a_run_in_one_sentence(kind: str, tmp_path: Path) -> None:
    """Of whom, at whom, what was found and wanted, and how to go on; what is on record stays."""
    strategy, told = BREACHES[kind]
    several = strategy.role in ("mutation", "environment", "nurture")

    with pytest.raises(ContractError) as caught:
        evolved(tmp_path, **{strategy.role: [strategy] if several else strategy})

    said = str(caught.value)
    # Leaks show where something is gone, which is from the third generation on.
    who = "" if strategy.role == "selection" else " at g"
    assert said.startswith(f"{strategy.role} 'faulty' of ")
    assert f"broke the contract of its role{who}" in said
    assert told in said
    assert "evoframe resume" in said
    assert "\n" not in said
    (event,) = failures(tmp_path / "run")
    assert told in event["reason"]
    assert evoframe.open_run(tmp_path / "run").individuals


def failures(run: Path) -> list[dict[str, Any]]:
    journal = Journal(RunFolder(run).journal, writable=False)
    try:
        return journal.events(FAILED)
    finally:
        journal.close()


# --- what is only read stays as it is -------------------------------------------------------------


def shifted_in_place(found: Any, parents: Any, context: Any) -> Any:
    next(iter(parents[0].genotype.state.values())).add_(1.0)
    return found


def around_autograd(dna: Any, inheritance: Any, evidence: Any, context: Any) -> Any:
    next(iter(inheritance.state.values())).data.view(-1).numpy()[0] += 1
    return dna


def first_weights(result: Any, phenotype: Any, context: Any) -> Any:
    next(iter(context.initial.values())).mul_(0.5)
    return result


EDITS = {
    "heredity": (made(Asexual, "inherit", shifted_in_place), "parent g1s0, state of '0.weight'"),
    # What is inherited unchanged is the parent's own tensor.
    "encoding": (made(Synaptic, "encode", around_autograd), "parent g1s0, state of '0.weight'"),
    "training": (made(Gradient, "train", first_weights), "first weights of '0.weight'"),
}


@pytest.mark.parametrize("role", EDITS)
def test_a_run_ends_where_inputs_are_changed(role: str, tmp_path: Path) -> None:
    """Also where CUDA may choose its kernels, which is another matter."""
    strategy, told = EDITS[role]

    with pytest.raises(ContractError, match="in place; wanted what it is given") as caught:
        evoframe.evolve(BLOBS, out=tmp_path / "run", **{**SHORT, role: strategy}, strict=False)
    assert f"it changed {told}" in str(caught.value)


# --- whatever is raised ---------------------------------------------------------------------------


class Panic(BaseException):
    """What a compiled library may raise."""


def raising(error: BaseException) -> Any:
    def act(*_: Any) -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    "error", [SystemExit(3), Panic("unwrap on None"), ZeroDivisionError("by zero")], ids=repr
)
@pytest.mark.parametrize(("base", "method"), [(Synaptic, "encode"), (Gradient, "train")])
def test_whatever_a_strategy_raises_is_told(
    base: type, method: str, error: BaseException, tmp_path: Path
) -> None:
    strategy = made(base, method, raising(error))

    with pytest.raises(StrategyError) as caught:
        evolved(tmp_path, **{strategy.role: strategy})

    assert f"failed at g2s0: {type(error).__name__}: {error} (test_contract.py, line" in str(
        caught.value
    )
    assert caught.value.__cause__ is error
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert "strategy failed" in log
    assert "Traceback" in log


def test_a_person_at_the_keyboard_is_no_fault_of_a_strategy(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evolved(tmp_path, encoding=made(Synaptic, "encode", raising(KeyboardInterrupt())))

    assert failures(tmp_path / "run") == []


@attrs.frozen
class Forgetful(Executor):
    """Loses the last life."""

    name: ClassVar[str] = "forgetful"

    def map(self, live: Any, jobs: Any, send: Any) -> Any:
        yield from (live(job, send) for job in jobs[:-1])


@attrs.frozen
class Stammering(Executor):
    """Brings the first life twice."""

    name: ClassVar[str] = "stammering"

    def map(self, live: Any, jobs: Any, send: Any) -> Any:
        yield live(jobs[0], send)
        yield live(jobs[0], send)


@pytest.mark.parametrize(
    ("executor", "told"),
    [(Forgetful(), "it lost g2s1: no result came"), (Stammering(), "it brings g2s0 twice")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_an_executor_brings_every_life_once(executor: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        evolved(tmp_path, executor=executor)

    assert told in str(caught.value)
    assert evoframe.resume(tmp_path / "run", executor=evoframe.plugin.Serial()).ending


@attrs.frozen(eq=False)
class Quitting(Observer):
    """Ends the interpreter."""

    name: ClassVar[str] = "quitting"

    @hookimpl
    def evoframe_generation_finished(self, event: Any) -> None:
        sys.exit(1)


def test_an_observer_that_ends_the_interpreter_is_disabled(tmp_path: Path) -> None:
    run = evolved(tmp_path, observer=[Quitting()])

    assert run.digest() == evoframe.evolve(BLOBS, out=tmp_path / "alone", **SHORT).digest()


# --- who sees what --------------------------------------------------------------------------------


def stopping_early(result: Any, phenotype: Any, context: Any) -> Any:
    context.task.evaluate(phenotype.network.eval(), "validation", context.device)
    return result


def test_a_training_sees_validation_data_if_it_says_so(tmp_path: Path) -> None:
    """And then the record says so too."""
    with pytest.raises(ContractError, match="it reads the split 'validation'; wanted train alone"):
        evolved(tmp_path, training=made(Gradient, "train", stopping_early))

    seeing = made(Gradient, "train", stopping_early, sees="validation")
    run = evoframe.evolve(BLOBS, out=tmp_path / "seeing", **{**SHORT, "training": seeing})

    assert run.ending
    assert read_record(RunFolder(run.path))[RECORD][SEES] == {"training": "validation"}
    assert SEES not in read_record(RunFolder(tmp_path / "run"))[RECORD]


def test_nobody_sees_test_data_whatever_it_says(tmp_path: Path) -> None:
    """Not even one that keeps the refusal to itself."""

    def peeking(result: Any, phenotype: Any, context: Any) -> Any:
        with pytest.raises(ContractError):
            context.task.batches(split="test")
        return result

    with pytest.raises(ContractError, match="test data decide nothing"):
        evolved(tmp_path, training=made(Gradient, "train", peeking, sees="validation"))


def test_a_selection_may_declare_another_number_of_families(tmp_path: Path) -> None:
    growing = made(
        Truncation,
        "select",
        lambda families, *_: families + families[:1],
        families_for=lambda _, population: population.size + 1,
    )

    assert len(evolved(tmp_path, selection=growing).individuals) == 1 + 3 + 3


# --- what starves ---------------------------------------------------------------------------------


def test_an_environment_that_leaves_far_less_than_it_allows_is_remarked_upon(
    tmp_path: Path,
) -> None:
    """Once a run, with both figures."""
    stingy = made(Retention, "press", lambda dna, *_: with_table(lambda t: t - 3.0)(dna))

    (said,) = [one for one in evolved(tmp_path, environment=[stingy]).remarks if "faulty" in one]

    assert said.startswith("environment 'faulty' keeps far less than it promises: in g2s0 ")
    assert "and it allows 160" in said


def test_a_recipe_of_which_everybody_would_starve_is_refused(tmp_path: Path) -> None:
    """Rankings times any factor leave nobody; a budget that knows them leaves whom it wants."""

    def factor(base: type) -> Any:
        def press(self: Any, dna: Any, inheritance: Any, context: Any) -> Any:
            return with_table(lambda table: table - 0.1)(dna)

        facts = {"press": press, "name": "factor"}
        return attrs.frozen(type("Factor", (base,), facts))()

    with pytest.raises(
        ConfigError, match=r"no offspring would have a synapse: encoding 'magnitude' only ranks"
    ):
        evolved(tmp_path, encoding="magnitude", environment=[factor(evoframe.plugin.Environment)])
    assert not (tmp_path / "run").exists()
    pressed = [factor(evoframe.plugin.Environment), Retention(0.7)]
    assert evolved(tmp_path, encoding="magnitude", environment=pressed).ending


def test_numbers_of_other_libraries_are_numbers(tmp_path: Path) -> None:
    """What means the same is no breach: caches, lists and numbers of NumPy and torch."""
    kept: dict[str, Any] = {}

    def cached(dna: Any, inheritance: Any, evidence: Any, context: Any) -> Any:
        return kept.setdefault(str(context.key), dna)

    run = evolved(
        tmp_path,
        encoding=made(Synaptic, "encode", cached),
        environment=[made(Retention, "allowance", lambda found, *_: np.int64(found))],
        selection=made(Truncation, "select", lambda families, *_: list(families)),
        training=made(
            Gradient,
            "train",
            lambda result, *_: attrs.evolve(
                result, epochs=np.int64(result.epochs), loss=torch.tensor(result.loss)
            ),
        ),
    )

    plain = evoframe.evolve(BLOBS, out=tmp_path / "plain", selection="truncation", **SHORT)
    assert run.digest() == plain.digest()
