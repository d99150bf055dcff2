"""What ``evoframe.load`` returns is the network that was exported, or nothing."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as some
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.errors import ExportError
from evoframe.kernel.lasting import is_plain
from support import nets

INPUTS = torch.arange(360.0).reshape(60, 6).sin()
TARGETS = (INPUTS[:, 0] > 0).long()
FILES = ("architecture.json", "weights.safetensors")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    torch.manual_seed(0)
    return evolved(nets.factory(), tmp_path_factory.mktemp("runs") / "run")


def evolved(network: nn.Module, out: Path) -> evoframe.Run:
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), 30)
    task = evoframe.task(
        network=network, train=loader, validation=loader, loss=nn.functional.cross_entropy
    )
    choices = {"encoding": "cluster", "training": "none", "generations": 4}
    return evoframe.evolve(task, out=out, observer=[], options=["encoding.of=bundle"], **choices)


@pytest.fixture(scope="module")
def export(run: evoframe.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run.export(tmp_path_factory.mktemp("exports") / "small")


@pytest.fixture
def copied(export: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(export, tmp_path / "copied"))


def edited(folder: Path, **facts: object) -> Path:
    file = folder / FILES[0]
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))
    return folder


def old(folder: Path, **facts: object) -> Path:
    """Make an export as versions before digests wrote it."""
    file = folder / FILES[0]
    new = ("export_digest", "absent", "answers")
    kept = {n: v for n, v in json.loads(file.read_text()).items() if n not in new}
    file.write_text(json.dumps({**kept, "format": 1, **facts}))
    return folder


RIGHT = ("factory", "compiled", "compiled_in_place", "compiled_member", "compiled_twice")


@pytest.mark.parametrize("name", [*RIGHT, "member_compiled_in_place"])
def test_a_factory_may_compile(run: evoframe.Run, export: Path, name: str) -> None:
    found = evoframe.load(export, getattr(nets, name))
    assert torch.allclose(found(INPUTS), run.network()(INPUTS), atol=1e-6)
    assert type(found) is nn.Sequential
    with torch.no_grad():
        for value in found.parameters():
            value.fill_(float("nan"))
    assert found(INPUTS).isnan().all(), "it computes with other parameters than its own"


@pytest.mark.parametrize("evolved_as", ["compiled", "compiled_member", "compiled_twice"])
def test_what_was_evolved_may_have_been_compiled(tmp_path: Path, evolved_as: str) -> None:
    torch.manual_seed(0)
    run = evolved(getattr(nets, evolved_as)(), tmp_path / "run")
    folder = run.export(tmp_path / "small")

    for name in (evolved_as, "factory"):
        found = evoframe.load(folder, getattr(nets, name))
        assert torch.allclose(found(INPUTS), run.network()(INPUTS), atol=1e-6)
        assert type(found) is nn.Sequential
        assert (
            sum(one.numel() for one in found.parameters()) == run.best.fitness.costs["parameters"]
        )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("forward_replaced", "the network of the factory has a forward of its own"),
        ("autocast", "the network of the factory has a forward of its own"),
        ("compiled_forward", "the network of the factory has a forward of its own"),
        ("layer_replaced", "layer '2' of the factory has a forward of its own"),
        ("hooked", "answers otherwise"),
        ("other_activation", "answers otherwise"),
        ("wider", "it has another 0.bias, 0.weight, 2.weight"),
        ("failing", "the factory raised RuntimeError: no memory left"),
        ("nothing", "the factory gave a NoneType; wanted a torch module"),
    ],
)
def test_a_factory_of_another_network_is_refused(export: Path, name: str, words: str) -> None:
    with pytest.raises(ExportError) as caught:
        evoframe.load(export, getattr(nets, name))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["forward_replaced", "autocast", "layer_replaced"])
def test_it_is_refused_of_an_old_export_too(copied: Path, name: str) -> None:
    with pytest.warns(UserWarning, match="no digest"), pytest.raises(ExportError):
        evoframe.load(old(copied), getattr(nets, name))


def test_what_is_loaded_keeps_absence(run: evoframe.Run, export: Path) -> None:
    found = evoframe.load(export, nets.factory).train()
    masks = run.delivered().masks
    optimiser = torch.optim.SGD(found.parameters(), 0.1, momentum=0.9)
    for _ in range(5):
        optimiser.zero_grad()
        nn.functional.cross_entropy(found(INPUTS), TARGETS).backward()
        optimiser.step()
    assert masks
    assert not any(found.get_parameter(name)[~mask].any() for name, mask in masks.items())
    assert is_plain(evoframe.plain(found))


# --- tampering ------------------------------------------------------------------------------------


@given(some.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_byte_can_be_changed(export: Path, tmp_path: Path, data: some.DataObject) -> None:
    folder = Path(shutil.copytree(export, tmp_path / "changed", dirs_exist_ok=True))
    file = folder / data.draw(some.sampled_from(FILES))
    content = bytearray(file.read_bytes())
    place = data.draw(some.integers(0, len(content) - 1))
    content[place] ^= data.draw(some.integers(1, 255))
    file.write_bytes(bytes(content))
    same_facts = file.name == FILES[0] and _facts(content) == _facts(
        (export / file.name).read_bytes()
    )
    if same_facts:  # a space of the JSON became another
        assert evoframe.load(folder, nets.factory)
    else:
        with pytest.raises(ExportError):
            evoframe.load(folder, nets.factory)


def _facts(content: bytes | bytearray) -> object:
    try:
        return json.loads(content.decode())
    except ValueError:
        return None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(copied: Path, name: str, share: float) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ExportError):
        evoframe.load(copied, nets.factory)


CHANGES = {
    "nan": lambda value: value * float("nan"),
    "negative": lambda value: -value,
    "empty": lambda value: value.new_zeros(0, *value.shape[1:]),
    "half of it": lambda value: value[: max(1, len(value) // 2)].contiguous(),
    "twice": lambda value: torch.cat([value, value]),
    "another type": lambda value: value.double(),
}
IMPOSSIBLE = {
    "empty": lambda value: value.new_zeros(0, *value.shape[1:]),
    "wider": lambda value: torch.cat([value] * 9, dim=1),
    "longer": lambda value: torch.cat([value] * 25),
    "flat": lambda value: value.reshape(-1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_weights_are_refused(copied: Path, change: str) -> None:
    tensors = load_file(copied / FILES[1])
    tensors["2.weight"] = CHANGES[change](tensors["2.weight"])
    save_file(tensors, copied / FILES[1])
    with pytest.raises(ExportError, match="not as it was written"):
        evoframe.load(copied, nets.factory)


@pytest.mark.parametrize("change", IMPOSSIBLE)
def test_weights_of_impossible_sizes_are_refused_without_a_digest(
    copied: Path, change: str
) -> None:
    tensors = load_file(copied / FILES[1])
    tensors["2.weight"] = IMPOSSIBLE[change](tensors["2.weight"])
    save_file(tensors, copied / FILES[1])
    with (
        pytest.warns(UserWarning, match="no digest"),
        pytest.raises(ExportError, match=r"2\.weight"),
    ):
        evoframe.load(old(copied), nets.factory)


@pytest.mark.filterwarnings("ignore:.*holds no digest")
@pytest.mark.parametrize(
    "number",
    [
        {"module": "0", "attribute": "forward", "place": None, "value": 3},
        {"module": "0", "attribute": "training", "place": None, "value": 0},
        {"module": "0", "attribute": "__class__", "place": None, "value": 1},
        {"module": "0", "attribute": "_parameters", "place": None, "value": 1},
        {"module": "nowhere", "attribute": "in_features", "place": None, "value": 3},
        {"module": "0", "attribute": "in_features", "place": 0, "value": 3},
        {"module": "0", "attribute": "in_features", "place": None, "value": 7},
        {"module": "0", "attribute": "made_up", "place": None, "value": 3},
        {"module": "0", "attribute": "in_features", "place": None, "value": -1},
        {"module": "0", "attribute": "in_features", "place": None, "value": "3"},
        {"module": "0", "attribute": "in_features", "place": None, "value": True},
        {"module": 0, "attribute": None, "place": None, "value": 1},
    ],
)
def test_nothing_but_a_smaller_size_is_written_into_a_module(copied: Path, number: dict) -> None:
    folder = old(copied, numbers=[number])
    with pytest.raises(ExportError):
        evoframe.load(folder, nets.factory)


@pytest.mark.parametrize("change", [{"format": 1}, {"export_digest": None}, {"format": True}])
def test_a_digest_cannot_be_talked_away(copied: Path, change: dict[str, object]) -> None:
    with pytest.raises(ExportError):
        evoframe.load(edited(copied, **change), nets.factory)


@pytest.mark.parametrize(
    "absent",
    [
        [],
        {"0.weight": 3},
        {"0.weight": {"shape": [3, 3], "bits": "AA=="}},
        {"0.weight": {"shape": [2, 2], "bits": "!"}},
        {"0.weight": {"shape": [-2], "bits": base64.b64encode(b"").decode()}},
    ],
)
def test_masks_that_are_none_are_refused(copied: Path, absent: object) -> None:
    with pytest.raises(ExportError):
        evoframe.load(edited(copied, absent=absent), nets.factory)


def test_an_old_export_is_read_with_a_word(run: evoframe.Run, copied: Path) -> None:
    with pytest.warns(UserWarning, match="holds no digest"):
        found = evoframe.load(old(copied), nets.factory)
    assert torch.allclose(found(INPUTS), run.network()(INPUTS), atol=1e-6)


def test_other_spaces_do_not_matter(run: evoframe.Run, copied: Path) -> None:
    file = copied / FILES[0]
    file.write_text(json.dumps(json.loads(file.read_text())))
    assert torch.allclose(evoframe.load(copied, nets.factory)(INPUTS), run.network()(INPUTS))
