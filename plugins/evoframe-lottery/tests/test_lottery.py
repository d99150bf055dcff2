"""The promises of both roles, and what the paper says of a round."""

import torch

import evoframe
from evoframe.testing import Specimen, conformance
from evoframe_lottery import Lottery, Winnowing

test_conformance = conformance(Lottery(), Winnowing(), Winnowing(rate=0.5, slower=("0.weight",)))


def test_every_round_leaves_four_fifths_of_every_layer_at_their_first_weights(tmp_path):
    run = evoframe.evolve(
        Specimen(width=40),
        heredity=Lottery(),
        encoding="magnitude",
        environment=[Winnowing(rate=0.2)],
        training="none",
        ancestor="gradient",
        options=["encoding.scope='layer'"],
        generations=4,
        device="cpu",
        out=tmp_path / "run",
    )

    ancestor, before = run.genotype("g1s0"), None
    for generation in (2, 3, 4):
        one = run.genotype(f"g{generation}s0")
        for name, mask in one.masks.items():
            share = int(mask.sum()) / mask.numel()
            assert 0.8 ** (generation - 1) * 0.93 <= share <= 0.8 ** (generation - 1) + 1e-2
            assert not torch.equal(one.state[name], ancestor.state[name] * mask)
            if before is not None:  # the same first weights in every round
                assert torch.equal(one.state[name], before.state[name] * mask)
        before = one


def test_the_weakest_go():
    weak, strong = 0.1, 1.0
    from evoframe.plugin import DNA, Inheritance, Key, Magnitude, draw

    weights = torch.tensor([[weak] * 5 + [strong] * 5])
    inheritance = Inheritance({"w": torch.ones(1, 10, dtype=torch.bool)}, {"w": weights}, {})
    dna: DNA = Magnitude().encode(inheritance, None, None)

    drawn = draw(Winnowing(rate=0.3).press(dna, inheritance, None), Key(0))["w"]

    assert int(drawn.sum()) == 7
    assert bool(drawn[0, 5:].all())
