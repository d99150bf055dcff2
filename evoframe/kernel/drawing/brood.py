"""Brood: all the siblings that could be born of one DNA, of which few are schooled."""

from __future__ import annotations

import math
from typing import Protocol

import attrs
import numpy as np
import numpy.typing as npt

from evoframe.kernel.genotype import Genotype
from evoframe.kernel.judged import Judge
from evoframe.kernel.key import Key
from evoframe.kernel.life import TrainingResult


@attrs.frozen(eq=False)
class Sibling:
    """One network that could be born, settled and within every budget.

    Attributes:
        number: in its litter; 0 is the one that would be born without a litter.
        genotype: as it would be born.
        key: its own, by which it was drawn, strayed or had an exchange.
        words: the key of the words that decide what an order of clusters leaves open.
        came_of: the number of the sibling that it strays from, or is made of by an exchange; None
            if it comes of the DNA itself.
        turns: in which order clusters, or synapses, come to live in it; all in a row, inf for those
            that never do.
    """

    number: int
    genotype: Genotype
    key: Key
    words: Key
    came_of: int | None = None
    turns: npt.NDArray[np.float64] | None = attrs.field(default=None, repr=False)


class Brood(Protocol):
    """What a litter chooses from.

    Whoever chooses gives siblings back as they came: none is changed, and what is schooled is one
    of this brood.
    """

    def only(self) -> Sibling:
        """Return the sibling that would be born without a litter; its number is 0."""

    def another(self, *, around: Sibling | None = None, step: float = 0.0) -> Sibling:
        """Return another sibling: settled, and within every budget.

        Another draw of the DNA, or, where a budget tells how many live, another order in which they
        come to live: all places are strayed from, each cluster's and those of each layer together.

        Args:
            around: whose order is strayed from; that of a draw of its own if nobody is named.
            step: how far, as a share of all places.

        Raises:
            StillbornError: nothing that was drawn could live.
        """

    def exchanged(self, sibling: Sibling, *, share: float) -> Sibling:
        """Return a sibling in which some leave and as many return as every budget allows.

        Layers are drawn in which clusters leave, and in which others return, those near the border
        the likeliest. Where no budget tells how many live, it is another draw.

        Args:
            sibling: of this brood.
            share: of what lives and may leave, at least one.

        Raises:
            StillbornError: nothing of it could live.
        """

    def judge(
        self,
        sibling: Sibling,
        *,
        by: Judge,
        examples: int,
        schooled: TrainingResult | None = None,
        ready: bool = True,
    ) -> float:
        """Return the score of a sibling on training examples: the smaller, the better.

        They are the same for all siblings, and of two numbers of examples the smaller are the first
        of the larger. The statistics of batch norms are estimated on them first.

        Args:
            sibling: of this brood.
            by: what.
            examples: at least so many, whole batches.
            schooled: what a rung has made of it; if not given, it is judged before any training.
            ready: as it is when its first epoch begins: with what nurtures do before that.
        """

    def school(
        self, sibling: Sibling, *, until: float = math.inf, after: TrainingResult | None = None
    ) -> TrainingResult:
        """Return the result of training a sibling.

        Args:
            sibling: of this brood.
            until: epochs of the training's own schedule after which it pauses; at its end if not
                given.
            after: what an earlier rung has made of it, to be gone on with.

        Raises:
            StillbornError: training broke down.
        """
