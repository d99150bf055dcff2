"""What pytest loads in every session (entry point ``pytest11``): one option, nothing heavy."""

from __future__ import annotations

import os
from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add ``--evoframe-examples``."""
    parser.getgroup("evoframe").addoption(
        "--evoframe-examples",
        type=int,
        metavar="N",
        help="examples that each conformance check tries; a quarter of hypothesis's by default",
    )


def pytest_configure(config: Any) -> None:
    """Pass the option on, to the processes of pytest-xdist as well."""
    if number := config.getoption("--evoframe-examples"):
        # The environment is inherited; the name is not imported, because that would load the kit.
        os.environ["EVOFRAME_EXAMPLES"] = str(number)
