"""Networks of timm evolved with the real library; what must hold without it."""

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import evoframe
from evoframe.errors import ConfigError, TaskError
from evoframe.plugin import Key
from evoframe.testing import conformance
from evoframe_timm import Timm, load, save, task

HERE = Path(__file__).parent
has_timm = all(importlib.util.find_spec(one) for one in ("timm", "torchvision", "PIL"))
needs_timm = pytest.mark.skipif(not has_timm, reason="needs timm, torchvision and pillow")

if has_timm:
    import tempfile

    import timm
    from PIL import Image

    def picture(kind, generator):
        """Return noise whose upper or left half is darker."""
        values = torch.randint(60, 256, (40, 40, 3), generator=generator)
        values[slice(0, 20) if kind else slice(None), slice(None) if kind else slice(0, 20)] //= 2
        return Image.fromarray(values.to(torch.uint8).numpy())

    def pairs(count, seed):
        generator = torch.Generator().manual_seed(seed)
        return [(picture(number % 2, generator), number % 2) for number in range(count)]

    def filled(folder, counts):
        for number, (split, count) in enumerate(counts.items()):
            for index, (one, kind) in enumerate(pairs(count, number)):
                place = folder / split / ("upper" if kind else "left")
                place.mkdir(parents=True, exist_ok=True)
                one.save(place / f"{index}.png")
        return folder

    SIZES = {"train": 48, "val": 24, "test": 24}
    DATA = filled(Path(tempfile.mkdtemp(prefix="evoframe-timm-")), SIZES)
    SMALL = {"data": DATA, "image_size": 32, "batch_size": 16}

    test_conformance = conformance(Timm(network="test_resnet", **SMALL))


def test_a_missing_library_is_told_by_name(monkeypatch, tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    (tmp_path / "val" / "cat").mkdir(parents=True)
    for name in ("timm", "timm.data"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"pip install evoframe-timm\[timm\]"):
        evoframe.evolve(Timm(data=tmp_path), out="nowhere")
    with pytest.raises(TaskError, match="no folder 'train' or 'training'"):
        evoframe.evolve(Timm(data=tmp_path / "train"), out="nowhere")
    with pytest.raises(ConfigError, match="no folder that"):
        load(tmp_path)


def evolved(folder, given, **options):
    return evoframe.evolve(
        given,
        encoding="cluster",
        options=[
            "encoding.of=bundle",
            "environment.retention=0.4",
            "ancestor.epochs=1",
            "training.epochs=1",
            "training.learning_rate=0.01",
        ],
        generations=2,
        device="cpu",
        out=folder,
        **options,
    )


@needs_timm
@pytest.mark.parametrize(
    "name", ["test_resnet", "test_efficientnet", "test_convnext", "test_vit", "test_byobnet"]
)
def test_a_network_comes_back_as_timm_has_it(tmp_path, name):
    """Smaller tensors, a smaller file, equal outputs; and what timm is asked for works."""
    args = {"img_size": 32} if name == "test_vit" else {}
    given = task(
        name, train=pairs(32, 0), validation=pairs(16, 1), num_classes=2, image_size=32,
        batch_size=16, **args,
    )  # fmt: skip
    run = evolved(tmp_path / "run", given)
    folder = save(run, tmp_path / "small")
    whole = save(run, tmp_path / "whole", individual=run.ancestor.id)
    network, picture = load(folder), torch.randn(2, 3, 32, 32)

    weights = [one / "weights.safetensors" for one in (folder, whole)]
    assert weights[0].stat().st_size < 0.8 * weights[1].stat().st_size
    assert torch.equal(network(picture), run.network()(picture))
    assert type(network) is type(timm.create_model(name, **args))
    assert network.default_cfg["mean"] == timm.create_model(name, **args).default_cfg["mean"]
    assert timm.data.resolve_model_data_config(network)["input_size"] == (3, 32, 32)
    features = network.forward_features(picture)
    assert torch.equal(network.forward_head(features), network(picture))
    axis = -1 if features.ndim == 3 else 1
    assert features.shape[axis] == network.num_features
    assert network.forward_head(features, pre_logits=True).shape[1] == network.head_hidden_size
    told = [one["num_chs"] for one in network.feature_info]
    found = [
        one.shape[1] for one in network.forward_intermediates(picture, intermediates_only=True)
    ]
    assert told == found
    network.reset_classifier(5)
    assert network(picture).shape == (2, 5)


@needs_timm
def test_weights_are_taken_from_a_file(tmp_path):
    """With the head if it tells as many classes apart, without it otherwise."""
    torch.manual_seed(1)
    made = timm.create_model("test_resnet", num_classes=2)
    torch.save(made.state_dict(), tmp_path / "weights.pth")
    for classes in (2, 3):
        given = task(
            "test_resnet", train=pairs(8, 0), validation=pairs(8, 1), num_classes=classes,
            pretrained=tmp_path / "weights.pth", image_size=32,
        )  # fmt: skip
        found = given.ancestor(Key(0)).state_dict()
        for name, one in made.state_dict().items():
            same = found[name].shape == one.shape and torch.equal(found[name], one)
            assert same == (classes == 2 or not name.startswith("fc."))


@needs_timm
def test_pictures_are_what_timm_makes_of_them():
    network = timm.create_model("test_resnet", num_classes=2)
    given = task(network, train=pairs(4, 0), validation=pairs(4, 1), batch_size=4)
    config = timm.data.resolve_model_data_config(network)
    wanted = timm.data.create_transform(**config)
    (found, labels), *_ = given.batches("validation")
    assert torch.equal(found, torch.stack([wanted(one) for one, _ in pairs(4, 1)]))
    assert labels.tolist() == [0, 1, 0, 1]


@needs_timm
def test_grey_pictures_are_for_networks_of_one_channel(tmp_path):
    given = task(
        "test_resnet", train=pairs(8, 0), validation=pairs(8, 1), num_classes=2, image_size=32,
        in_chans=1,
    )  # fmt: skip
    network = load(save(evolved(tmp_path / "run", given), tmp_path / "small"))
    config = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**config)
    (found, _), *_ = given.batches("validation")
    assert found.shape[1:] == config["input_size"] == (1, 32, 32)
    assert torch.equal(found[0], transform(pairs(1, 1)[0][0].convert("L")))


@needs_timm
@pytest.mark.slow
def test_processes_give_the_same_digest(tmp_path):
    given = Timm(network="test_resnet", **SMALL)
    digests = [
        evolved(tmp_path / one, given, population=2, executor=one).digest()
        for one in ("serial", "processes")
    ]
    assert digests[0] == digests[1]


@needs_timm
def test_what_will_not_do_is_refused_in_words(tmp_path):
    data = {"train": pairs(4, 0), "validation": pairs(4, 1)}
    with pytest.raises(TaskError, match="There are test_resnet"):
        task("test_resne", num_classes=2, **data)
    with pytest.raises(TaskError, match=r"num_classes=\.\.\.\) is wanted"):
        task("test_resnet", **data)
    with pytest.raises(TaskError, match="there is no file nowhere"):
        task("test_resnet", num_classes=2, pretrained="nowhere", **data)
    with pytest.raises(TaskError, match=r"timm\.create_model did not make"):
        task(torch.nn.Linear(2, 2), **data)
    with pytest.raises(TaskError, match=r"task\.data is wanted"):
        Timm().ancestor(Key(0))
    filled(tmp_path, {"train": 2, "val": 2})
    (tmp_path / "val" / "right").mkdir()
    with pytest.raises(TaskError, match="has the class 'right'"):
        Timm(data=tmp_path).ancestor(Key(0))


@needs_timm
def test_a_folder_that_was_changed_is_refused(tmp_path):
    given = task(
        "test_resnet", train=pairs(8, 0), validation=pairs(8, 1), num_classes=2, image_size=32
    )
    folder = save(evolved(tmp_path / "run", given), tmp_path / "small")
    with pytest.raises(ConfigError, match="is there already"):
        save(evoframe.open_run(tmp_path / "run", task=given), folder)
    said = json.loads((folder / "config.json").read_text())
    said["architecture"] = "test_vit"
    (folder / "config.json").write_text(json.dumps(said))
    with pytest.raises(evoframe.EvoframeError):
        load(folder)


@needs_timm
@pytest.mark.slow
def test_readme(tmp_path):
    """The tutorial, as it stands there, in a folder of its own."""
    text = (HERE.parent / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (line,) = re.findall(r"^\$ (evoframe evolve .*)$", text, re.MULTILINE)
    (tmp_path / "pictures.py").write_text(blocks[0])
    (tmp_path / "after.py").write_text(blocks[1])
    for command in (["pictures.py"], ["-m", *shlex.split(line)], ["after.py"]):
        done = subprocess.run(  # noqa: S603  the commands of our own README
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    sizes = [(tmp_path / one / "weights.safetensors").stat().st_size for one in ("small", "whole")]
    assert sizes[0] < sizes[1] / 2
