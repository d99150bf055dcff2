"""FLOPs of one call, by kind of layer: what it multiplies and adds.

A multiplication and the addition that follows it are two operations. Biases, norms and what works
on each element alone are not counted, as is usual (torch's own counter does the same).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

Shape = Sequence[int]


def matrix_product(left: Shape, right: Shape, result: Shape) -> int:
    """Return the FLOPs of (..., M, K) by (..., K, N).

    Of one factor it may not be known that it has become smaller, as of a state that a network's
    code makes of zeros: so the smaller K counts.
    """
    return 2 * math.prod(result) * min(left[-1], right[-2])


def convolution(inputs: Shape, weight: Shape, result: Shape, *, transposed: bool = False) -> int:
    """Return the FLOPs of a convolution.

    Args:
        inputs: (N, C, space...).
        weight: (outputs, inputs of a group, kernel...), or (inputs, outputs of a group, kernel...).
        result: (N, outputs, space...).
        transposed: each position of the input is spread over a kernel, not the reverse.
    """
    # Each of these positions meets every entry of the weight once, whatever the groups.
    positions = math.prod((inputs if transposed else result)[2:])
    return 2 * inputs[0] * positions * math.prod(weight)


def recurrence(matrices: Sequence[Shape], result: Shape) -> int:
    """Return the FLOPs of a recurrent layer: at each position each of its matrices is used once.

    Args:
        matrices: the shapes of its weights, those of layers inside it too.
        result: (..., outputs), a position for each step of each example.
    """
    return 2 * math.prod(result[:-1]) * sum(math.prod(shape) for shape in matrices)


Formula = Callable[[Sequence[Shape], Shape], int]

RECURRENT = (
    "lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell",
    "rnn_relu_cell",
)  # fmt: skip
"""Operations of which only weights are given to the formula."""

FORMULAS: Mapping[str, Formula] = {
    "mm": lambda operands, result: matrix_product(operands[0], operands[1], result),
    "addmm": lambda operands, result: matrix_product(operands[1], operands[2], result),
    "bmm": lambda operands, result: matrix_product(operands[0], operands[1], result),
    "baddbmm": lambda operands, result: matrix_product(operands[1], operands[2], result),
    "convolution": lambda operands, result: convolution(operands[0], operands[1], result),
    "transposed convolution": lambda operands, result: convolution(
        operands[0], operands[1], result, transposed=True
    ),
    **dict.fromkeys(RECURRENT, recurrence),
}
"""FLOPs of ATen operations, from the shapes of their tensors in order and of the result."""
