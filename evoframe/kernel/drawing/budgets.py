"""Budgets: the one factor of all probabilities with which as many survive as are wanted.

Tables of log-probabilities are rewritten from histograms, so a budget is exact and its price does
not depend on how many synapses there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evoframe.kernel.levels import Table


def log_multiplier(counts: Sequence[Table], tables: Sequence[Table], budget: float) -> float:
    """Return log(lambda) such that the sum of counts * min(1, lambda * P) meets the budget.

    Exact up to rounding and solved in one pass: with levels in falling order of probability, find
    the first that lambda does not saturate. Sums are taken in logarithms, because P may span
    hundreds of thousands of octaves.

    Args:
        counts: how many synapses (or what weight of them) stand at each level, for each table.
        tables: log-probabilities of the levels.
        budget: the sum wanted, in synapses.

    Returns:
        The logarithm of lambda; inf when everything may survive, -inf when nothing may.
    """
    weight, log_p = np.concatenate(list(counts)), np.concatenate(list(tables))
    possible = (weight > 0) & (log_p > -np.inf)
    weight, log_p = weight[possible], log_p[possible]
    if budget <= 0 or not len(weight):
        return -np.inf
    # lambda saturates the likeliest levels first: all before the one we look for live for certain.
    order = np.argsort(-log_p, kind="stable")
    weight, log_p = weight[order], log_p[order]
    # For each level: log of the sum of weight * P from it to the end.
    log_rest = np.logaddexp.accumulate((np.log(weight) + log_p)[::-1])[::-1]
    taken = np.cumsum(weight)
    if budget >= taken[-1]:  # the same sum as below: another order of summands rounds otherwise
        return np.inf
    # What is left of the budget when all levels before this one are saturated.
    free = np.maximum(budget - (taken - weight), 0.0)
    with np.errstate(divide="ignore"):
        candidates = np.log(free) - log_rest
    # The last level that still fits in part is unsaturated by definition, whatever rounding says.
    unsaturated = (candidates + log_p <= 0) | (taken >= budget)
    return float(candidates[np.argmax(unsaturated)])


def scaled(table: Table, log_factor: float) -> Table:
    """Return log(min(1, factor * P)) for each level; what could not be still cannot."""
    with np.errstate(invalid="ignore"):
        # ``-inf + inf`` is NaN, so what is impossible is told apart first.
        return np.where(table == -np.inf, -np.inf, np.minimum(table + log_factor, 0.0))
