"""What surveys say of the test networks, in integers, is what is committed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from networks import NETWORKS

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "reference.json").read_text())


def module(name: str):
    spec = importlib.util.spec_from_file_location(f"replay_{name}", HERE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


driver, replay = module("driver"), module("replay")


def test_every_test_network_has_a_reference() -> None:
    assert set(REFERENCE) == set(NETWORKS), "run tests/replay/replay.py --write-reference"


@pytest.mark.filterwarnings("ignore")  # as in a replay: a warning that is an error is a barrier
@pytest.mark.parametrize("name", NETWORKS)
def test_bundles_barriers_and_masks_are_those_on_record(name: str) -> None:
    """Nothing that a draw or a cut decides may change unseen, on any machine."""
    torch.manual_seed(0)
    network = NETWORKS[name].make().double().eval()
    torch.manual_seed(1)

    found = driver.network_facts(network, NETWORKS[name].example(), integers=True)

    # Reasons may quote torch, which words its errors anew now and then.
    for facts in (found, REFERENCE[name]):
        facts["barriers"] = [operation for operation, _ in facts.get("barriers", ())]
    assert list(replay.differences(REFERENCE[name], json.loads(json.dumps(found)))) == []


def test_differences_are_told_by_their_path() -> None:
    """A comparison that could not fail would prove nothing."""
    found = list(replay.differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": 4}}))

    assert found == ["a/c: was 2, is 3", "a/d: was None, is 4"]


def test_a_base_that_is_not_there_is_told() -> None:
    """A clone without history cannot be replayed, and must not look as if it had been."""
    done = subprocess.run(
        [sys.executable, str(HERE / "replay.py"), "--base", "0" * 40],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "nothing was replayed" in done.stderr
