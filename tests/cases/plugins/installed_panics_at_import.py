"""An installed plugin whose import raises a BaseException, as a panic of Rust or pytest.skip does.

Right: `evoframe plugins` lists it as not loaded, with the reason, and everything else works
(KeyboardInterrupt alone is let through).
"""

from __future__ import annotations

EXPECT = "listed"


class Panic(BaseException):
    """What PyO3 raises when Rust panics."""


raise Panic("called `Option::unwrap()` on a `None` value")
