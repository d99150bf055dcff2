"""The kit as tests: one parametrised function for pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from evoframe.errors import ConfigError, ConformanceError
from evoframe.roles import Strategy
from evoframe.testing.catalogue import Check, NotTried, checks_for, require_known


def conformance(
    *strategies: Strategy, expected_failures: Mapping[str, str] | None = None
) -> Callable[..., None]:
    """Return a test for every check of every strategy.

    Assign it to a name that pytest collects::

        test_conformance = conformance(MyStrategy(), MyStrategy(option=2))

    Args:
        *strategies: of any roles, with the options that are worth a test.
        expected_failures: reasons by name of check. The check must fail: one that passes is a
            failure, so that the list never outlives its reasons.

    Raises:
        ConfigError: something is no strategy, or an expected failure names no check that applies.
    """
    if not strategies:
        raise ConfigError("conformance() was given no strategy, and would test nothing.")
    expected = dict(expected_failures or {})
    require_known(expected, strategies)
    cases = [
        _case(strategy, check, expected)
        for strategy in strategies
        for check in checks_for(strategy)
    ]

    @pytest.mark.parametrize(("strategy", "check"), cases)
    def test_conformance(strategy: Strategy, check: Check) -> None:
        __tracebackhide__ = True
        try:
            check(strategy, excused=expected)
        except NotTried as reason:
            pytest.skip(str(reason))

    return test_conformance


def _case(strategy: Strategy, check: Check, expected: Mapping[str, str]) -> Any:
    marks = []
    if check.name in expected:
        reason = expected[check.name]
        marks.append(pytest.mark.xfail(reason=reason, strict=True, raises=ConformanceError))
    return pytest.param(strategy, check, id=f"{strategy!r}-{check.name}", marks=marks)
