"""Tasks, the trainer and files for YOLO(), with the real library; what must hold without it."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import attrs
import pytest
import torch
from torch import nn

import evoframe
import evoframe_ultralytics as plugin
from evoframe.errors import ConfigError, TaskError
from evoframe.plugin import Key, Nurture, sealed
from evoframe.testing import Specimen, conformance, lived, taken_up

HERE = Path(__file__).parent
LIBRARIES = ("ultralytics", "torchvision", "cv2", "PIL")
has_library = all(importlib.util.find_spec(one) for one in LIBRARIES)
needs_library = pytest.mark.skipif(not has_library, reason="needs ultralytics and torchvision")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

QUICK = {"optimizer": "AdamW", "lr0": 0.01, "warmup_epochs": 1, "mosaic": 0.5, "close_mosaic": 1}
os.environ.setdefault("EVOFRAME_EXAMPLES", "4")  # a life with a trainer takes as long as ten others

if has_library:
    FOLDER = Path(tempfile.mkdtemp(prefix="evoframe-ultralytics-"))
    os.environ.setdefault("YOLO_CONFIG_DIR", str(FOLDER))
    os.environ.setdefault("YOLO_OFFLINE", "true")
    sys.path.insert(0, str(HERE))

    from boxes import TINY, drawn
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    DATA = drawn(FOLDER / "data", {"train": 24, "val": 12, "test": 8})
    FILES = {"model": DATA / "tiny.yaml", "data": DATA / "data.yaml"}
    TASK = plugin.Detection(**FILES, imgsz=64, batch_size=8)

    test_task_conforms = conformance(TASK)
    test_training_conforms = conformance(
        plugin.Trainer(arguments={"lr0": 0.005, "optimizer": "SGD"}),
        plugin.Trainer(epochs=3, arguments={"optimizer": "auto", "cos_lr": True}),
    )


def test_a_missing_library_is_told_by_name(monkeypatch):
    for name in ("ultralytics", "ultralytics.utils", "ultralytics.data.utils",
                 "ultralytics.models.yolo.detect.train"):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"pip install evoframe-ultralytics\[ultralytics\]"):
        evoframe.evolve(Specimen(), training=plugin.Trainer(), out="nowhere")
    with pytest.raises(ConfigError, match=r"pip install evoframe-ultralytics\[ultralytics\]"):
        plugin.Detection(data=__file__).ancestor(Key(0))
    with pytest.raises(ConfigError, match=r"should end in \.pt"):
        plugin.save(nn.Linear(2, 2), "nowhere.pth")


def test_arguments_that_a_run_decides_are_no_options():
    for name in ("epochs", "imgsz", "nbs", "amp", "device"):
        with pytest.raises(TypeError, match=name):
            plugin.Trainer(arguments={name: 1})
    with pytest.raises(ValueError, match="multiple of 32"):
        plugin.Detection(imgsz=100)


def evolved(folder, task, **options):
    training = plugin.Trainer(epochs=2, arguments=QUICK)
    given = {"ancestor": training, "generations": 2, **options}
    return evoframe.evolve(
        task, encoding="cluster", training=training, device="cpu", out=folder,
        options=["encoding.of=bundle", "environment.retention=0.5"], **given,
    )  # fmt: skip


@needs_library
@pytest.mark.slow
def test_a_smaller_network_is_a_file_that_yolo_loads(tmp_path):
    """Smaller tensors, a smaller file, equal outputs; it is used and evaluated as any other."""
    run = evolved(
        tmp_path / "run", attrs.evolve(TASK, head=True),
        ancestor=plugin.Trainer(epochs=12, arguments=QUICK),
    )  # fmt: skip
    small, network = plugin.save(run, tmp_path / "small.pt"), run.network()
    whole = plugin.save(run, tmp_path / "whole.pt", individual="g1s0")
    half = plugin.save(run, tmp_path / "half.pt", half=True)
    yolo, picture = YOLO(str(small)), torch.rand(2, 3, 64, 64)
    costs = [one.fitness.costs["parameters"] for one in (run.ancestor, run.best)]

    assert costs[1] < 0.8 * costs[0]
    assert small.stat().st_size < whole.stat().st_size - 3 * (costs[0] - costs[1])
    assert half.stat().st_size < small.stat().st_size
    assert torch.equal(yolo.model(picture)[0], network(picture)[0])
    assert type(yolo.model) is DetectionModel
    assert yolo.names == {0: "red", 1: "blue"}
    told = yolo.val(data=str(FILES["data"]), imgsz=64, batch=8, plots=False, verbose=False,
                    project=str(tmp_path), workers=0)  # fmt: skip
    found = run.best.fitness.validation
    assert found["mAP50"].value > 0.01
    assert told.box.map50 == pytest.approx(found["mAP50"].value, abs=1e-4)
    assert told.box.map == pytest.approx(found["mAP50-95"].value, abs=1e-4)
    assert found["mAP50"].error > 0


@needs_library
@pytest.mark.slow
def test_a_network_that_says_something_else_while_it_learns_is_not_distilled(tmp_path):
    with pytest.raises(TaskError, match="in training mode, where it learns"):
        evolved(tmp_path / "run", TASK, nurture=["distillation"])


@needs_library
@pytest.mark.slow
def test_a_smaller_network_is_trained_on_as_it_is_or_not_at_all(tmp_path):
    """Ultralytics' own way would build the whole network of the model file, without a word."""
    network = TASK.ancestor(Key(0)).eval()
    smaller = evoframe.shrink(network, TASK.example_inputs(), parameters="1.5x")
    file = plugin.save(smaller, tmp_path / "small.pt", inputs=TASK.example_inputs())
    shapes = {name: one.shape for name, one in smaller.state_dict().items()}
    options = {"data": str(FILES["data"]), "imgsz": 64, "epochs": 1, "batch": 8, "plots": False,
               "amp": False, "project": str(tmp_path), "workers": 0, "verbose": False}  # fmt: skip

    with pytest.raises(KeyError, match="smaller than its model file says"):
        YOLO(str(file)).train(**options)
    yolo = YOLO(str(file))
    yolo.train(trainer=plugin.narrow_trainer(), **options)

    found = YOLO(str(yolo.trainer.last)).model.state_dict()
    assert (
        {name: one.shape for name, one in found.items()}
        == shapes
        != {name: one.shape for name, one in network.state_dict().items()}
    )
    again = attrs.evolve(TASK, model=file)
    assert again.is_trained
    grown = evoframe.shrink(again.ancestor(Key(0)), TASK.example_inputs(), parameters="1.3x")
    plugin.save(grown, tmp_path / "smaller.pt", inputs=TASK.example_inputs())
    assert (tmp_path / "smaller.pt").stat().st_size < file.stat().st_size


@needs_library
def test_a_file_of_other_classes_gives_what_fits(tmp_path):
    many = drawn(tmp_path / "many", {"train": 2, "val": 2})
    text = (many / "data.yaml").read_text().replace("[red, blue]", "[red, blue, green]")
    (many / "data.yaml").write_text(text)
    network = TASK.ancestor(Key(0)).eval()
    file = plugin.save(network, tmp_path / "whole.pt")

    given = attrs.evolve(TASK, model=file, data=many / "data.yaml")
    found = given.ancestor(Key(1)).state_dict()

    assert not given.is_trained
    assert attrs.evolve(TASK, model=file).is_trained
    same = [torch.equal(found[name], one) for name, one in network.state_dict().items()
            if found[name].shape == one.shape and "conv.weight" in name]  # fmt: skip
    assert len(same) > 10
    assert all(same)
    smaller = evoframe.shrink(network, TASK.example_inputs(), parameters="1.5x")
    plugin.save(smaller, file, force=True)
    with pytest.raises(TaskError, match="fits the whole network only"):
        given.ancestor(Key(1))


@needs_library
@pytest.mark.parametrize(("optimizer", "entry"), [("SGD", ""), ("AdamW", "end2end: True")])
def test_a_life_that_is_taken_up_ends_the_same(tmp_path, optimizer, entry):
    """Mosaics, momentum, warm-up, the average, a loss with a schedule go on where they were."""
    (tmp_path / "tiny.yaml").write_text(TINY + entry)
    task = attrs.evolve(TASK, model=tmp_path / "tiny.yaml")
    training = plugin.Trainer(
        epochs=4, arguments={**QUICK, "optimizer": optimizer, "mixup": 0.5, "multi_scale": 0.5}
    )
    found = lived(attrs.evolve(training, epochs=1), task).phenotype.network.state_dict()
    assert any("one2one" in name for name in found) == bool(entry)
    assert taken_up(training, task) == {1: True, 2: True, 3: True}


@attrs.frozen(eq=False)
class Watching(Nurture):
    """Sees after every step how large absent synapses are, and how small the others."""

    name = "watching"

    of: str
    mask: torch.Tensor
    seen: list = attrs.field(factory=list)

    def after_step(self, phenotype, optimiser, context, step):
        value = dict(phenotype.network.named_parameters())[self.of].detach()
        self.seen.append(
            (float(value[~self.mask].abs().max()), float(value[self.mask].abs().min()))
        )
        return phenotype


@needs_library
@pytest.mark.parametrize("optimizer", ["SGD", "MuSGD"])
def test_absent_synapses_stay_absent_after_every_step(optimizer):
    """In the average of weights as well, which is what comes out."""
    watching = Watching(
        "model.4.m.0.cv1.conv.weight", torch.arange(16 * 16 * 9).reshape(16, 16, 3, 3) % 3 > 0
    )
    training = plugin.Trainer(epochs=2, arguments={**QUICK, "optimizer": optimizer})
    result = lived(training, TASK, {watching.of: watching.mask}, companions=(watching,))

    assert len(watching.seen) == 2 * 3
    assert all(absent == 0.0 < present for absent, present in watching.seen)
    value = dict(result.phenotype.network.named_parameters())[watching.of].detach()
    assert torch.equal(value != 0, watching.mask)


@needs_library
def test_it_learns_as_the_trainer_of_ultralytics_does(tmp_path):
    """The same steps from the same weights and pictures: those of DetectionTrainer itself."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    arguments = {**QUICK, "optimizer": "SGD", "mosaic": 0.0, "close_mosaic": 0, "fliplr": 0.0,
                 "translate": 0.0, "scale": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0,
                 "batch": 24}  # fmt: skip
    found = lived(plugin.Trainer(epochs=3, arguments=arguments), TASK).phenotype.network

    def begin():
        with sealed(Key(0)):
            return TASK.ancestor(Key(0))

    class Given(DetectionTrainer):
        def get_model(self, **_):
            return begin()

        def save_model(self):
            return False

        def final_eval(self):
            pass

    trainer = Given(overrides={
        **arguments, "model": str(FILES["model"]), "data": str(FILES["data"]), "imgsz": 64,
        "epochs": 3, "nbs": 24, "amp": False, "plots": False, "workers": 0, "val": False,
        "project": str(tmp_path), "device": "cpu",
    })  # fmt: skip
    trainer.train()

    wanted = trainer.ema.ema.state_dict()
    begun = begin().state_dict()
    for name, one in found.state_dict().items():
        if one.dtype.is_floating_point:
            assert torch.allclose(one, wanted[name], rtol=1e-5, atol=1e-6), name
    assert not torch.allclose(found.model[0].conv.weight, begun["model.0.conv.weight"], atol=1e-3)


@needs_library
@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov5n", "yolov8n", "yolo11n", "yolo26n"])
def test_networks_of_ultralytics_become_smaller(tmp_path, name):
    network = attrs.evolve(TASK, model=f"{name}.yaml").ancestor(Key(0)).eval()
    given = TASK.example_inputs()
    smaller = evoframe.shrink(network, given, flops="2x", importance="magnitude")
    yolo = YOLO(str(plugin.save(smaller, tmp_path / "small.pt", inputs=given)))
    assert sum(one.numel() for one in yolo.model.parameters()) < 0.7 * sum(
        one.numel() for one in network.parameters()
    )
    assert torch.equal(yolo.model(*given)[0], smaller(*given)[0])
    (found,) = yolo.predict(str(DATA / "images" / "val" / "0.png"), imgsz=64, verbose=False)
    assert found.orig_shape == (64, 64)


class Own(nn.Upsample):
    """A module that only these tests know."""


@needs_library
def test_what_yolo_could_not_load_is_refused(tmp_path):
    """By name, with the remedy, and with nothing written."""
    network, given = TASK.ancestor(Key(0)).eval(), TASK.example_inputs()
    own = TASK.ancestor(Key(0)).eval()
    own.model[5].__class__ = Own
    with pytest.raises(ConfigError, match=r"'model.5' of this network is a Own .*run.export"):
        plugin.save(own, tmp_path / "small.pt", inputs=given)
    network.model[5].register_forward_hook(lambda *_: None)
    with pytest.raises(ConfigError, match="has hooks, which no file keeps"):
        plugin.save(network, tmp_path / "small.pt", inputs=given)
    assert not list(tmp_path.iterdir())


@needs_library
def test_pictures_that_are_left_out_are_told(tmp_path):
    data = drawn(tmp_path / "data", {"train": 3, "val": 2})
    (data / "labels" / "train" / "1.txt").write_text("7 0.5 0.5 0.1 0.1")
    with pytest.warns(UserWarning, match=r"1 of 3 train pictures are left out.*1\.png"):
        attrs.evolve(TASK, data=data / "data.yaml").batches("train")


@needs_library
@pytest.mark.slow
def test_processes_give_the_same_digest_and_nothing_is_said(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    digests = [
        evolved(tmp_path / one, TASK, population=2, executor=one).digest()
        for one in ("serial", "processes")
    ]
    assert digests[0] == digests[1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["processes", "serial"]
    said = "".join(capfd.readouterr())
    assert "optimizer:" not in said
    assert "Scanning" not in said


@needs_library
def test_a_process_keeps_its_switches():
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        lived(plugin.Trainer(epochs=1, arguments=QUICK), TASK)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@needs_library
def test_what_will_not_do_is_refused_in_words(tmp_path):
    with pytest.raises(TaskError, match=r"task\.data is wanted"):
        plugin.Detection(model=FILES["model"]).ancestor(Key(0))
    with pytest.raises(TaskError, match=r"there is no file nowhere\.pt\. Nothing is downloaded"):
        attrs.evolve(TASK, model="nowhere.pt").ancestor(Key(0))
    with pytest.raises(TaskError, match=r"there is no model file nowhere\.yaml"):
        attrs.evolve(TASK, model="nowhere.yaml").ancestor(Key(0))
    with pytest.raises(TaskError, match="ends in Segment; wanted a detection"):
        attrs.evolve(TASK, model="yolov8n-seg.yaml").ancestor(Key(0))
    with pytest.raises(TaskError, match="wanted a model file such as"):
        attrs.evolve(TASK, model="yolo11n").ancestor(Key(0))
    with pytest.raises(TaskError, match=r"there is no file nowhere\.yaml"):
        attrs.evolve(TASK, data="nowhere.yaml").ancestor(Key(0))
    (tmp_path / "empty.yaml").write_text("train: nowhere\nval: nowhere\nnames: [a, b]\n")
    with pytest.raises(TaskError, match="images not found"):
        attrs.evolve(TASK, data=tmp_path / "empty.yaml").ancestor(Key(0))
    with pytest.raises(ConfigError, match="Linear is no detection network of Ultralytics"):
        plugin.save(nn.Linear(2, 2), tmp_path / "small.pt")
    bare = drawn(tmp_path / "bare", {"train": 2, "val": 2})
    for file in (bare / "labels" / "train").iterdir():
        file.unlink()
    with pytest.raises(TaskError, match="has a box; wanted a folder labels"):
        attrs.evolve(TASK, data=bare / "data.yaml").batches("train")
    assert not (tmp_path / "small.pt").exists()
