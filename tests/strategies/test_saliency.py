"""The saliency task and its network: surveyed at full size, trained at a narrow one."""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.strategies.task import Saliency
from evoframe.strategies.task.evonet import EvoNet

CPU = torch.device("cpu")

TINY = Saliency(width=0.03, image_size=32, train_size=24, validation_size=7, test_size=5)

VGG16 = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Where torchvision's vgg16 has its convolutions."""


def test_the_full_network_has_the_trunk_of_vgg16_and_can_lose_every_channel() -> None:
    """Name for name as torchvision has it, and nothing of the rest stands in the way."""
    with torch.device("meta"):
        network = EvoNet()
    task = Saliency(width=1.0)

    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))

    weights = {name: value.numel() for name, value in network.named_parameters() if value.ndim > 1}
    trunk = sum(count for name, count in weights.items() if name.startswith("features."))
    assert trunk == 14_710_464
    assert sum(weights.values()) == 62_717_120
    assert set(weights) - set(plan.evolvable) == {"features.0.weight", "out.weight"}
    assert [name for name in weights if name.startswith("features.")] == [
        f"features.{at}.weight" for at in VGG16
    ]
    assert plan.barriers == ()
    for name in plan.evolvable:
        classes = plan.bundles.classes[torch.unique(plan.wiring.targets[name])]
        assert not plan.bundles.by_class(plan.bundles.kept)[classes].any(), name


@pytest.mark.parametrize("size", [16, 32, 80])
@pytest.mark.parametrize("width", [0.001, 0.03, 0.1])
def test_logits_have_the_size_of_the_picture(width: float, size: int) -> None:
    """The metrics compare a map with the mask, pixel by pixel."""
    assert EvoNet(width)(torch.zeros(2, 3, size, size)).shape == (2, 2, size, size)


def test_offspring_compute_what_the_masked_ancestor_does() -> None:
    """Deconvolutions, joined streams and the far look at the picture are cut as they are wired."""
    torch.manual_seed(2)
    network = TINY.ancestor(Key(0)).eval()
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(value, std=0.1)
    plan = anatomy.survey(network, TINY.example_inputs(), TINY.evolvable(network))
    ancestor = plan.genotype()
    masks = {name: torch.rand(mask.shape) < 0.2 for name, mask in ancestor.masks.items()}
    genotype = settle(Genotype(masks, ancestor.state), plan.wiring)
    grown = plan.develop(genotype)
    images = torch.randn(2, 3, 32, 32)

    reference = EvoNet(TINY.width).eval()
    reference.load_state_dict(ancestor.state)
    with torch.no_grad():
        for name, mask in genotype.masks.items():
            layer, transposed = reference.get_parameter(name), name in ("d1.weight", "d2.weight")
            layer.mul_(mask)
            dead = (
                ~mask.transpose(0, 1).flatten(1).any(1) if transposed else ~mask.flatten(1).any(1)
            )
            reference.get_parameter(name.replace("weight", "bias"))[dead] = 0
        expected, found = reference(images), grown.network(images)

    assert torch.allclose(expected, found, atol=1e-4)
    size = sum(value.numel() for value in grown.network.parameters())
    assert size < sum(value.numel() for value in network.parameters())


def test_measuring_a_split_is_measuring_its_images_together() -> None:
    """Batches do not matter, an image alone has its own measure, and the primary is F."""
    torch.manual_seed(1)
    network = TINY.ancestor(Key(0)).eval()
    (everything,) = TINY.batches("validation")
    alone = attrs.evolve(TINY, validation_size=1)

    with torch.no_grad():
        whole = TINY.evaluate(network, "validation", CPU)
        each = TINY.measure(network, everything)
        one = alone.evaluate(network, "validation", CPU)
        in_pieces = attrs.evolve(TINY, validation_size=25).evaluate(network, "validation", CPU)
        maps = network(everything[0]).softmax(1)[:, 1]

    assert TINY.primary.name == "f-max"
    assert [metric.name for metric in TINY.metrics if not metric.maximise] == ["mae", "loss"]
    assert {name: values.shape for name, values in each.items()} == dict.fromkeys(whole, (7,))
    for name in ("mae", "loss", "f-adaptive-per-image"):
        assert whole[name].value == pytest.approx(float(each[name].mean()))
        assert whole[name].error == pytest.approx(float(each[name].std()) / math.sqrt(7))
    assert float(each["mae"][2]) == pytest.approx(float((maps[2] - everything[1][2]).abs().mean()))
    for name, measured in one.items():
        assert measured.value == pytest.approx(float(each[name][0]), abs=1e-6)
        assert measured.error is None
    assert in_pieces.keys() == whole.keys()


def test_the_loss_is_the_cross_entropy_of_pixels() -> None:
    """Two classes, every pixel counts the same; labels can be smoothed."""
    network, batch = TINY.ancestor(Key(0)), next(iter(TINY.batches("train")))

    loss, smoothed = TINY.step(network, batch), TINY.step(network, batch, label_smoothing=0.2)

    def by_hand(smoothing: float) -> torch.Tensor:
        logits = network(batch[0])
        return nn.functional.cross_entropy(logits, batch[1], label_smoothing=smoothing)

    assert torch.allclose(loss, by_hand(0.0))
    assert torch.allclose(smoothed, by_hand(0.2))


def test_a_trunk_is_taken_from_a_file_in_the_names_of_torchvision(tmp_path: Path) -> None:
    """Only the trunk: what a classifier has besides is not looked at, and the head is fresh."""
    torch.manual_seed(4)
    donor = EvoNet(TINY.width)
    named = {
        f"features.{at}.{kind}": getattr(donor.features[at], kind).detach().clone()
        for at in VGG16
        for kind in ("weight", "bias")
    }
    torch.save({**named, "classifier.0.weight": torch.zeros(3, 3)}, tmp_path / "vgg16.pt")
    save_file(named, tmp_path / "vgg16.safetensors")

    for suffix in ("pt", "safetensors"):
        task = attrs.evolve(TINY, trunk=tmp_path / f"vgg16.{suffix}")
        network = task.ancestor(Key(1))

        assert not task.is_trained
        for name, value in network.state_dict().items():
            assert torch.equal(value, named.get(name, value))
        assert not torch.equal(network.c6.weight, donor.c6.weight)


def test_a_trunk_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """With the tensor's name and both shapes; and weights of the whole leave no room for one."""
    file = tmp_path / "w.pt"

    def refused(said: str, **options) -> None:
        with pytest.raises(TaskError, match=said):
            attrs.evolve(TINY, **options).ancestor(Key(0))

    torch.save(EvoNet(0.06).state_dict(), file)
    refused(r"w.pt' .*'features.0.weight' has shape \(4, 3, 3, 3\), .* \(2, 3, 3, 3\)", trunk=file)
    refused("size mismatch for features.0.weight", weights=file)
    torch.save({"features.0.weight": torch.zeros(2, 3, 3, 3)}, file)
    refused("has no tensor 'features.0.bias'", trunk=file)
    torch.save([1, 2], file)
    refused("has no tensor 'features.0.weight'", trunk=file)
    file.write_text("no weights")
    refused("w.pt' cannot be loaded", trunk=file)
    refused("of no effect", trunk=file, weights=file)


def test_trained_weights_make_a_trained_ancestor(tmp_path: Path) -> None:
    """They are taken as they are, and a newborn still starts afresh."""
    donor = EvoNet(TINY.width)
    torch.save(donor.state_dict(), tmp_path / "w.pt")

    task = attrs.evolve(TINY, weights=tmp_path / "w.pt")

    assert task.is_trained
    assert torch.equal(task.ancestor(Key(0)).c10.weight, donor.c10.weight)
    assert not torch.equal(task.newborn(Key(0)).c10.weight, donor.c10.weight)


def test_scenes_can_be_learned() -> None:
    """A narrow network finds the objects of scenes that it has not seen."""
    task = Saliency(width=0.1, image_size=32, train_size=160, validation_size=40, test_size=1)
    torch.manual_seed(0)
    network = task.ancestor(Key(0))
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for epoch in range(4):
        for batch in task.batches("train", shuffle=Key(epoch), batch_size=8):
            optimiser.zero_grad()
            task.step(network, batch).backward()
            optimiser.step()

    with torch.no_grad():
        measured = task.evaluate(network.eval(), "validation", CPU)

    # Untrained it has 0.34; after four epochs 0.66 or more, as processors round sums otherwise.
    assert measured["f-max"].value > 0.55
    assert measured["mae"].value < 0.2


def test_the_recipe_of_the_paper_lives_two_generations(tmp_path: Path) -> None:
    """One epoch of few small scenes: heredity, encoding and pressure as the recipe has them."""
    small = [
        "task.width=0.06", "task.image_size=32", "task.train_size=20", "task.validation_size=5",
        "task.test_size=5", "ancestor.epochs=1", "training.epochs=1",
    ]  # fmt: skip

    run = evoframe.evolve(
        recipe="darwin-1606", out=tmp_path / "run", generations=2, device="cpu", options=small
    )

    assert [one.generation for one in run.individuals] == [1, 2]
    assert all(one.is_alive for one in run.individuals)
    assert 0 < run.best.synapses < run.ancestor.synapses
    assert run.best.fitness.test["f-max"].error is not None
