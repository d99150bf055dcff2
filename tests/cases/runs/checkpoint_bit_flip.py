"""One bit of a life's checkpoint flips on disk while a run is put down.

Right: the checkpoint is found damaged (it has a digest), the life is lived again from its
beginning, and the run ends with the digest of a run that nobody disturbed.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, finished, last, verdict
from safetensors import safe_open

run = evolve("run", TINY_STOP_AT_PASS="8")  # in the third epoch of the first offspring
checkpoint = next((run / "lives").iterdir())
shutil.copytree(run, PLACE / "copy")
evoframe("resume", PLACE / "copy")

content = bytearray(checkpoint.read_bytes())
with safe_open(checkpoint, "pt") as tensors:
    found = [tensors.get_tensor(name) for name in tensors.keys()]
weight = max((one for one in found if one.is_floating_point()), key=lambda one: one.numel())
place = content.index(weight.numpy().tobytes()) + 4 * int(weight.flatten().abs().argmax()) + 2
content[place] ^= 0x40
checkpoint.write_bytes(content)
done = evoframe("resume", run)

if finished(run) == finished(PLACE / "copy"):
    verdict([], "the damaged checkpoint was not used")
verdict([f"resume of a flipped bit: {last(done)}; the digest is another"], "")
