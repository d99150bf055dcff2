"""Products of matrices that both carry channels, as in attention."""

from __future__ import annotations

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.rules.blocks import fix, mixed, summed, within
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, rule


@rule("bmm")
def batched_product(tracer: Tracer, call: Call) -> Signal:
    """A product of two batches of matrices, as in attention, or of rows with one matrix."""
    left, right = call.args[:2]
    one, other = tracer.signal(left), tracer.signal(right)
    if _is_matrix(tracer, right) and (one is None or one.shape[2] > 1):
        return tracer.layer(call, left, right, None)
    if _is_matrix(tracer, left) and other is not None and other.shape[1] > 1:
        return tracer.layer(call, right, left, None)
    return contract(tracer, one, other, (2, 1))


def _is_matrix(tracer: Tracer, value: Tensor) -> bool:
    """Tell whether a factor is one parameter, (inputs, outputs), repeated for the whole batch."""
    found = tracer.entries.matrix(value, 1)
    return found is not None and len(found[1]) == 2


@rule("baddbmm")
def batched_product_with_sum(tracer: Tracer, call: Call) -> Signal:
    """The same with something added that carries no channel."""
    if tracer.signal(call.args[0]) is not None:
        raise Unknown("channels are added to a product of channels")
    product = contract(tracer, tracer.signal(call.args[1]), tracer.signal(call.args[2]), (2, 1))
    assert isinstance(product, Tensor)
    return tracer.channels.derive([product], fed=True)


def contract(
    tracer: Tracer, one: Tensor | None, other: Tensor | None, inner: tuple[int, int]
) -> Signal:
    """Return the signal of a matrix product, (B, M, K) by (B, K, N) or without the batch.

    Attention makes both kinds. Queries by keys sum over the axis that carries channels: what comes
    out is a score a head, (B, M, N), that no longer varies along K. Scores by values sum over
    positions, and carry on the channels of the values.

    Args:
        tracer: the forward pass.
        one: the signal of the left factor; None if it carries no channel.
        other: the same for the right factor.
        inner: the axis K of the left factor and of the right one.
    """
    if one is None or other is None:
        known, axis = (one, inner[0]) if one is not None else (other, inner[1])
        if known is not None and known.shape[0] > 1 and within(known, [axis]):
            # Queries of all heads meet the same computed keys: each head by itself.
            fix(tracer, known, [axis])
            return mixed(tracer, known, [axis], fed=True)
        # Channels along K would have to take slices of the
        # other factor with them, and that is computed.
        if known is None or known.shape[axis] > 1:
            raise Unknown("channels are weighted by a computed tensor")
        return known
    by_heads = one.shape[0] == other.shape[0] > 1
    rows, columns = one.shape[inner[0] - 1] > 1, other.shape[-1] > 1
    if one.shape[inner[0]] > 1 or other.shape[inner[1]] > 1:
        # A factor that varies along M or N as well has a channel for each pair of positions.
        if one.shape[inner[0]] != other.shape[inner[1]] or rows or columns:
            if by_heads:
                return _mixed_by_heads(tracer, one, other)
            raise Unknown("a product of channels that do not meet one to one")
        return _summed_over(tracer, one.movedim(inner[0], -1), other.movedim(inner[1], -1))
    if rows and columns:
        if by_heads:
            return _mixed_by_heads(tracer, one, other)
        raise Unknown("a product of channels with channels has a channel for each pair")
    return _carried(tracer, one, other)


def _mixed_by_heads(tracer: Tracer, one: Tensor, other: Tensor) -> Tensor:
    """Return a signal with one channel for each head, of which all of both factors is read.

    Attention without scores multiplies keys by values first: a number for each pair of their
    dimensions. All dimensions stay then, and whole heads leave.
    """
    for part in (one, other):
        fix(tracer, part, (1, 2))
    heads = [mixed(tracer, part, (1, 2)) if part[0].numel() > 1 else part for part in (one, other)]
    return tracer.channels.derive(heads, every=True)


def _summed_over(tracer: Tracer, left: Tensor, right: Tensor) -> Tensor:
    """Return the signal where channels meet one to one and are summed, as queries and keys do.

    Args:
        tracer: the forward pass.
        left: with the summed axis last, (B, 1, K), as ``right``.
        right: the other factor.
    """
    # Batches need not agree: one axis of size 1 stands for all heads.
    common = torch.broadcast_shapes(left.shape, right.shape)  # type: ignore[no-untyped-call]
    left, right = left.expand(common), right.expand(common)
    product = tracer.channels.derive([left, right], every=True)
    if not tracer.channels.are_zero(product):
        raise Unknown("dead channels that are no zero are summed")
    # A sum of nothing is still a number that softmax turns into a weight: a head
    # with dead queries looks everywhere alike, it does not vanish. Queries and
    # keys are read where scores are: they are of no use without values.
    sums = summed(tracer, product, fed=True)
    for part in (left, right):
        _align(tracer, part, product, sums)
    # (B, 1) -> (B, 1, 1): scores vary with the head, along neither M nor N.
    return sums.unsqueeze(-1)


def _carried(tracer: Tracer, one: Tensor, other: Tensor) -> Tensor:
    """Return the signal where one factor weighs what the other carries, as scores do with values.

    Channels of the product live while both factors do. Where one factor has a channel for a whole
    row of the other (a head's scores for all dimensions of its values), that channel and the row
    leave together: a column of the grid is bound to each row.
    """
    shape = torch.broadcast_shapes(one.shape, other.shape)  # type: ignore[no-untyped-call]
    met = tracer.channels.derive([one.expand(shape), other.expand(shape)], every=True)
    # ``spread`` is (heads, 1, 1) against (heads, 1,
    # dimensions); a batch of one has no rows to bind.
    for spread, whole in ((one, other), (other, one)):
        if spread.shape != met.shape and spread.shape[0] > 1:
            # (heads, dimensions) and (heads, 1): next to
            # each other, the scores are the bound column.
            rows = met.reshape(met.shape[0], -1), spread.reshape(met.shape[0], -1)
            tracer.channels.grids.append(Grid(torch.cat(rows, 1), bound=rows[1].shape[1]))
            # Only a single score can stand for its row as the leader that ``_align`` asks for.
            if rows[1].shape[1] == 1:
                _align(tracer, whole.expand(shape), met, spread)
    return met


def _align(tracer: Tracer, part: Tensor, product: Tensor, leaders: Tensor) -> None:
    """Let rows of a factor that several rows of a product share keep to them.

    Grouped queries: 8 heads of queries share 2 heads of keys, so rows 0 to 3 of the product all
    read row 0 of the keys. The code repeats keys by a number that it was built with, so a head
    can only leave if all heads of its group do; and a dimension of the keys' heads can only leave
    in all heads, of keys and of the product, at once. Hence a tie between the leaders of a group,
    and a grid in which the rows of the product and those of the factor stand below each other.

    Args:
        tracer: the forward pass.
        part: the factor, spread to the shape of the product.
        product: where the factors meet, a channel for each element, (heads, ..., dimensions).
        leaders: one channel for each row, which stands for all of it.
    """
    # Both (heads, dimensions); ``each`` is (heads,), ``groups`` says whose row a head reads.
    several, met = part.reshape(part.shape[0], -1), product.reshape(product.shape[0], -1)
    each = leaders.reshape(-1)
    unique, groups = torch.unique(several, dim=0, return_inverse=True)
    if len(unique) == len(several) or len(each) != len(several):
        return  # no row is shared, so there is nothing to keep together
    # Any head of a group could lead it; the first does.
    first = torch.stack([(groups == group).nonzero()[0, 0] for group in range(len(unique))])
    tracer.channels.ties.append((each, each[first[groups]]))
    rows = (
        torch.cat([met, each.unsqueeze(1)], 1),
        torch.cat([unique, each[first].unsqueeze(1)], 1),
    )
    tracer.channels.grids.append(Grid(torch.cat(rows), bound=1))
