"""Networks that are smaller than their model file says, and how Ultralytics trains them on.

``YOLO(file).train()`` builds the network anew from the model file that a ``.pt`` holds, and copies
the weights that fit. Of a smaller network nearly none do, and nobody would be told. So the model
file within a smaller ``.pt`` says that it cannot be built, and a trainer that takes the network as
it is goes on.
"""

from __future__ import annotations

import copy
from typing import Any

from evoframe_ultralytics.libraries import needed, quiet

MARK = (
    "This network is smaller than its model file says. To train it on: "
    "YOLO(file).train(trainer=evoframe_ultralytics.narrow_trainer(), ...)"
)
"""What stands for the first layer of the model file of a smaller network."""

ENTRY = "evoframe_first_layer"
"""Where the model file of a smaller network keeps the first layer that it had."""


def is_narrow(network: Any) -> bool:
    """Tell whether the model file of a network is that of a larger one."""
    return ENTRY in network.yaml


def mark(network: Any) -> None:
    """Let nobody build a whole network in the place of a smaller one."""
    if is_narrow(network):
        return
    network.yaml = copy.deepcopy(network.yaml)
    first = network.yaml["backbone"][0]
    network.yaml[ENTRY] = first[2]
    first[2] = MARK


def differs(network: Any) -> bool:
    """Tell whether a network has other tensors than its model file says."""
    if is_narrow(network):
        return True
    tasks = needed("ultralytics.nn.tasks")
    channels = network.yaml.get("channels", 3)
    with quiet():
        whole = tasks.DetectionModel(copy.deepcopy(network.yaml), ch=channels, verbose=False)
    shapes = [{name: one.shape for name, one in each.state_dict().items()}
              for each in (whole, network)]  # fmt: skip
    return shapes[0] != shapes[1]


def narrow_trainer() -> Any:
    """Return a class of Ultralytics' trainers that trains a network with the widths that it has.

    For ``YOLO("smaller.pt").train(trainer=evoframe_ultralytics.narrow_trainer(), data=...)``. The
    data must have the classes of the network. Tensors stay small; what is absent inside of them
    may come back.

    Raises:
        ConfigError: Ultralytics is not installed.
    """
    kind: Any = needed("ultralytics.models.yolo.detect.train").DetectionTrainer

    class NarrowTrainer(kind):  # type: ignore[misc]
        """Ultralytics' trainer of detection networks, for one that is as wide as it is."""

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:  # noqa: FBT001, FBT002  Ultralytics calls it so
            if weights is None or len(weights.names) != self.data["nc"]:
                found = "no weights" if weights is None else f"{len(weights.names)} classes"
                raise ValueError(
                    f"a smaller network is trained on with the classes that it has: found {found}, "
                    f"and data with {self.data['nc']} classes."
                )
            return copy.deepcopy(weights).requires_grad_(requires_grad=True)

    return NarrowTrainer
