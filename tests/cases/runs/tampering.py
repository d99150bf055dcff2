"""Tampered exports, and what comes of loading one; for tampered_export.py."""

from __future__ import annotations

import json
import random
import shutil

import torch
from safetensors.torch import load, save
from tiny import Tiny

import evoframe
from evoframe.errors import ExportError


def tampers(export, tries, seed):
    """Yield a name, and the bytes of both files, with something changed."""
    rng = random.Random(seed)
    files = {file.name: file.read_bytes() for file in export.iterdir()}
    names = sorted(files)  # architecture.json, weights.safetensors
    for number in range(tries):
        one = dict(files)
        kind = KINDS[number % len(KINDS)]
        kind(rng, one, names)
        yield f"{kind.__name__} (try {number})", one[names[0]], one[names[1]]


def flipped_weights(rng, one, names):
    content = bytearray(one[names[1]])
    for _ in range(rng.randint(1, 3)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    one[names[1]] = bytes(content)


def changed_text(rng, one, names):
    content = bytearray(one[names[0]])
    for _ in range(rng.randint(1, 2)):
        content[rng.randrange(len(content))] = rng.choice(b'0123456789abcdef"[]{},: .-')
    one[names[0]] = bytes(content)


def changed_tensor(rng, one, names):
    tensors = load(one[names[1]])
    name = rng.choice(sorted(tensors))
    value = tensors[name].clone()
    tensors[name] = rng.choice(
        [
            lambda: value * float("nan"),
            lambda: -value,
            lambda: value.flip(0),
            lambda: value.double(),
            lambda: value.new_zeros(0, *value.shape[1:]),
            lambda: value[: max(1, len(value) // 2)],
            lambda: torch.cat([value, value]),
            lambda: value.half(),
            lambda: value.int(),
        ]
    )()
    one[names[1]] = save({key: tensor.contiguous() for key, tensor in tensors.items()})


def changed_fact(rng, one, names):
    facts = json.loads(one[names[0]])
    key = rng.choice(sorted(facts))
    attribute = rng.choice(["forward", "in_features", "training", "bias", "__class__", "weight"])
    facts[key] = rng.choice([None, 0, -1, [], {}, "x", True, 10**18])
    if rng.random() < 0.5:
        facts["numbers"] = [
            {
                "module": rng.choice(["0", "2", ""]),
                "attribute": attribute,
                "place": None,
                "value": rng.randint(0, 40),
            }
        ]
    one[names[0]] = json.dumps(facts).encode()


def truncated(rng, one, names):
    name = rng.choice(names)
    one[name] = one[name][: rng.randrange(len(one[name]))]


KINDS = (flipped_weights, changed_text, changed_tensor, changed_fact, truncated)


def tried(folder, architecture, weights, export):
    """Return what loading a tampered export comes to, in a word or two."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "architecture.json").write_bytes(architecture)
    (folder / "weights.safetensors").write_bytes(weights)
    make = lambda: Tiny().ancestor(None)
    try:
        network = evoframe.load(folder, make)
    except ExportError:
        return "refused"
    except Exception as error:  # noqa: BLE001
        return f"ends in {type(error).__name__}"
    wanted = evoframe.load(export, make)
    return "same" if described(network) == described(wanted) else "loads as another network"


def described(network):
    """Return all that a small network is, to be compared."""
    try:
        answer = network(torch.linspace(-1, 1, 24).reshape(3, 8)).tolist()
    except Exception as error:  # noqa: BLE001
        answer = repr(error)
    numbers = {
        f"{name}.{key}": str(value)
        for name, module in network.named_modules()
        for key, value in vars(module).items()
        if key not in ("_parameters", "_buffers", "_modules")
    }
    tensors = {name: (str(t.dtype), t.tolist()) for name, t in network.state_dict().items()}
    return repr((answer, sorted(numbers.items()), sorted(tensors.items())))
