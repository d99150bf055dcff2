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
from evoframe.errors import ConfigError, StillbornError, TaskError
from evoframe.plugin import Key, Phenotype
from evoframe.testing import Case, Specimen, conformance

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
    sys.path[:0] = [str(HERE), str(HERE / "beside")]
    spec = importlib.util.spec_from_file_location("beside", HERE / "beside" / "sitecustomize.py")
    beside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(beside)

    from boxes import TINY, drawn
    from ultralytics import YOLO
    from ultralytics.engine.trainer import BaseTrainer
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
    with pytest.raises(ConfigError, match="should end in .pt"):
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
    assert {name: one.shape for name, one in found.items()} == shapes != {
        name: one.shape for name, one in network.state_dict().items()
    }
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


class Memory:
    """A checkpoint that gives back what it was made with, and keeps what it is given."""

    def __init__(self, kept=None):
        self.kept, self.saved = kept, {}

    def load(self):
        return self.kept

    def save(self, epochs, tensors):
        self.saved[epochs] = {name: one.clone() for name, one in tensors.items()}


def lived(training, masks=None, memory=None, companions=()):
    """Return the result of one life of the ancestor of the task."""
    context = Case().context()
    life = attrs.evolve(
        context.life, checkpoint=memory or Memory(), companions=companions
    )
    context = attrs.evolve(context, task=TASK, life=life, key=Key(3))
    phenotype = Phenotype(TASK.ancestor(Key(0)), masks or {})
    phenotype.enforce()
    return training.train(phenotype, context)


@needs_library
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_life_that_is_taken_up_ends_the_same(optimizer):
    """Mosaics, momentum, warm-up, the average of weights: all go on where a killed life was."""
    training = plugin.Trainer(
        epochs=4, arguments={**QUICK, "optimizer": optimizer, "mixup": 0.5, "multi_scale": 0.5}
    )
    straight = Memory()
    wanted = lived(training, memory=straight).phenotype.network.state_dict()
    assert sorted(straight.saved) == [1, 2, 3]
    for kept in straight.saved.items():
        found = lived(training, memory=Memory(kept)).phenotype.network.state_dict()
        assert all(torch.equal(found[name], one) for name, one in wanted.items())


@needs_library
@pytest.mark.parametrize("optimizer", ["SGD", "MuSGD"])
def test_absent_synapses_stay_absent_after_every_step(optimizer):
    name, seen = "model.4.m.0.cv1.conv.weight", []
    mask = torch.arange(16 * 16 * 9).reshape(16, 16, 3, 3) % 3 > 0

    from evoframe.plugin import Nurture

    @attrs.frozen(eq=False)
    class Watching(Nurture):
        name = "watching"

        def begin(self, phenotype, context):
            return self

        def after_step(self, phenotype, optimiser, context, step):
            value = dict(phenotype.network.named_parameters())[NAME].detach()
            seen.append((float(value[~mask].abs().max()), float(value[mask].abs().min())))
            return phenotype

    NAME = name
    training = plugin.Trainer(epochs=2, arguments={**QUICK, "optimizer": optimizer})
    result = lived(training, {name: mask}, companions=(Watching(),))

    assert len(seen) == 2 * 3
    assert all(absent == 0.0 < present for absent, present in seen)
    value = dict(result.phenotype.network.named_parameters())[name].detach()
    assert not value[~mask].any()
    assert value[mask].all()


@needs_library
def test_it_learns_as_the_trainer_of_ultralytics_does(tmp_path):
    """The same steps from the same weights and pictures: those of DetectionTrainer itself."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    arguments = {**QUICK, "optimizer": "SGD", "mosaic": 0.0, "close_mosaic": 0, "fliplr": 0.0,
                 "translate": 0.0, "scale": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0,
                 "batch": 24}  # fmt: skip
    found = lived(plugin.Trainer(epochs=3, arguments=arguments)).phenotype.network

    class Given(DetectionTrainer):
        def get_model(self, cfg=None, weights=None, verbose=True):
            return TASK.ancestor(Key(0))

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
    begun = TASK.ancestor(Key(0)).state_dict()
    for name, one in found.state_dict().items():
        if one.dtype.is_floating_point:
            assert torch.allclose(one, wanted[name], rtol=1e-3, atol=1e-4), name
    assert not torch.allclose(found.model[0].conv.weight, begun["model.0.conv.weight"], atol=1e-3)


@needs_library
@pytest.mark.slow
def test_processes_give_the_same_digest_and_nothing_is_said(tmp_path, monkeypatch, capfd):
    path = [str(HERE / "beside"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
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
        lived(plugin.Trainer(epochs=1, arguments=QUICK))
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@needs_library
def test_what_will_not_do_is_refused_in_words(tmp_path):
    with pytest.raises(TaskError, match=r"task\.data is wanted"):
        plugin.Detection(model=FILES["model"]).ancestor(Key(0))
    with pytest.raises(TaskError, match="there is no file nowhere.pt. Nothing is downloaded"):
        attrs.evolve(TASK, model="nowhere.pt").ancestor(Key(0))
    with pytest.raises(TaskError, match="there is no model file nowhere.yaml"):
        attrs.evolve(TASK, model="nowhere.yaml").ancestor(Key(0))
    with pytest.raises(TaskError, match="ends in Segment; wanted a detection"):
        attrs.evolve(TASK, model="yolov8n-seg.yaml").ancestor(Key(0))
    with pytest.raises(TaskError, match="wanted a model file such as"):
        attrs.evolve(TASK, model="yolo11n").ancestor(Key(0))
    with pytest.raises(TaskError, match="there is no file nowhere.yaml"):
        attrs.evolve(TASK, data="nowhere.yaml").ancestor(Key(0))
    (tmp_path / "empty.yaml").write_text("train: nowhere\nval: nowhere\nnames: [a, b]\n")
    with pytest.raises(TaskError, match="images not found"):
        attrs.evolve(TASK, data=tmp_path / "empty.yaml").ancestor(Key(0))
    with pytest.raises(ConfigError, match="Linear is no detection network of Ultralytics"):
        plugin.save(nn.Linear(2, 2), tmp_path / "small.pt")
    one = drawn(tmp_path / "one", {"train": 9, "val": 2})
    bare = drawn(tmp_path / "bare", {"train": 2, "val": 2})
    for file in (bare / "labels" / "train").iterdir():
        file.unlink()
    with pytest.raises(TaskError, match="has a box; wanted a folder labels"):
        attrs.evolve(TASK, data=bare / "data.yaml").batches("train")
    assert not (tmp_path / "small.pt").exists()
    assert one.exists()
