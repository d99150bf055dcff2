"""Several outputs, paths that hang on values or sizes, and layers that nobody reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, Pooled, case, conv


@case(IMAGE, share=0.94, heads=("head", "box"))
class SeveralHeads(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.box = conv(8, 10), nn.Conv2d(10, 4, 1)

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.stem(x))
        return self.head(x.mean((2, 3))), self.box(F.relu(self.two(x)))


@case(IMAGE, share=0.94, heads=("head", "side"))
class DictOfOutputs(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.side = conv(8, 10), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.stem(x))
        out = self.head(F.relu(self.two(x)).mean((2, 3)))
        return {"out": out, "aux": {"side": self.side(x.amax((2, 3)))}}


@case(IMAGE, share=0.82, heads=("head", "two"))
class FeaturesAreOutputsToo(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two = conv(8, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.two(F.relu(self.stem(x)))
        return self.head(F.relu(x).mean((2, 3))), x


@case(IMAGE, share=0.63)
class PathByValue(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x)) if x.mean() > -1 else x


@case(IMAGE, share=0.63)
class PathByWidth(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x)) * (2.0 if x.shape[1] >= 8 else 1.0)


@case(IMAGE, share=0.96)
class LayerThatNobodyReads(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.idle = conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        self.idle(x)
        return F.relu(self.two(x))


@dataclass
class Answer:
    """What a network gives, in an object of its own kind."""

    scores: Tensor


@case(((3, 4),), share=0.8, heads=("two",))
class AnswerInADataclass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, x):
        self.head(x := F.relu(self.one(x)))
        return Answer(self.two(x))
