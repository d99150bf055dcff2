"""Deploy a run's network as ONNX and int8 ONNX, and compare size, speed and accuracy.

Needs ``pip install evoframe[onnx,demo]``. Without ``--run``, a small one is evolved first.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

import evoframe

SMALL = ["task.train_size=1000", "ancestor.epochs=3", "training.epochs=2"]


class Pictures(CalibrationDataReader):
    """Inputs for calibrating the ranges of activations."""

    def __init__(self, name: str, batches: list) -> None:
        self.rest = iter([{name: inputs.numpy()} for inputs, _ in batches])

    def get_next(self) -> dict | None:
        """Return the next inputs; None after the last."""
        return next(self.rest, None)


def tell(file: Path, batches: list) -> None:
    """Print size, milliseconds a batch and accuracy of a program on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name, right, taken = session.get_inputs()[0].name, [], []
    for inputs, labels in batches:
        began = time.perf_counter()
        (scores,) = session.run(None, {name: inputs.numpy()})
        taken.append(time.perf_counter() - began)
        right.append(torch.from_numpy(scores).argmax(1) == labels)
    accuracy = torch.cat(right).float().mean()
    size = file.stat().st_size / 1000
    print(f"{file.name}: {size:.0f} kB, {1000 * median(taken):.2f} ms, accuracy {accuracy:.3f}")


def main(run: evoframe.Run, out: Path) -> None:
    """Export ancestor and best, quantise both, and measure all four on the test split."""
    task = run.recipe.task
    calibration = list(task.batches("validation", batch_size=100))
    test = list(task.batches("test", batch_size=100))
    for one in (run.ancestor.id, run.best.id):
        file = run.export(out / one, format="onnx", individual=one) / "network.onnx"
        name = onnxruntime.InferenceSession(file).get_inputs()[0].name
        small = file.with_name("int8.onnx")
        reader = Pictures(name, calibration)
        quantize_static(file, small, reader, quant_format=QuantFormat.QDQ, per_channel=True)
        print(one)
        tell(file, test)
        tell(small, test)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="a run folder, as of `evoframe evolve --recipe demo`")
    parser.add_argument("--out", default=None, help="where programs are written")
    said = parser.parse_args()
    folder = Path(said.out or tempfile.mkdtemp())
    if said.run:
        run = evoframe.open_run(said.run)
    else:
        run = evoframe.evolve(recipe="demo", options=SMALL, generations=3, out=folder / "run")
    main(run, folder)
