"""Everything evoframe refuses, as one tree: who, what was found, what was wanted, what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EvoframeError(Exception):
    """Something evoframe refuses to do; the command line prints it and exits with code 2."""


# --- before anything runs -------------------------------------------------------------------


class ConfigError(EvoframeError):
    """A recipe, an option or a command line that cannot be understood."""


class NoSuchStrategyError(EvoframeError):
    """A strategy was named that nobody offers."""


class AmbiguousStrategyError(EvoframeError):
    """A strategy was named that several plugins offer."""


class OfferError(EvoframeError):
    """A plugin offered something that is not a well-formed strategy."""


class RequirementError(EvoframeError):
    """A recipe requires distributions that are missing or too old."""


class TaskError(EvoframeError):
    """A task that lacks something evolution needs, or whose data cannot be read."""


class DeviceError(EvoframeError):
    """A device that is not there."""


class ConformanceError(EvoframeError):
    """A strategy that breaks the contract of its role."""

    check = ""
    """The check that found it."""

    happened = ""
    """What happened, without the rest of the message."""


# --- while it runs --------------------------------------------------------------------------


class RunError(EvoframeError):
    """A run folder that cannot be created, opened, read or written."""


class RunLockedError(RunError):
    """Another process is working on this run folder."""


class DamagedError(RunError):
    """A file of the run does not hold what the journal says it holds."""


class LaterFormatError(RunError):
    """A file of the run is of a format that only a later version of evoframe reads."""


class ResumeError(RunError):
    """A run that cannot be gone on with here, because what decides its results is not the same."""


class MishapError(RunError):
    """Somebody else's code failed in a run, or memory did; ``trace`` is what the log is given."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


class ExportError(EvoframeError):
    """A network cannot be exported as asked, or an export cannot be read."""


class StrategyError(EvoframeError):
    """A strategy failed in the middle of a run: who, at whom, what was raised, and how to go on."""

    entry = ""
    """Which strategy of the recipe it is, as in ``environment[0]``; empty if nobody knows."""

    individual = ""
    """Who was being made; empty while parents were selected."""

    reason = ""
    """What happened, without a name."""


class ContractError(StrategyError):
    """A strategy broke the contract of its role: what was found, and what was wanted."""


class StillbornError(EvoframeError):
    """An offspring that cannot live: recorded with its reason, never a crash of the run."""


ELSEWHERE = {
    "bs": "batch_size",
    "gens": "generations",
    "jobs": "workers",
    "lr": "learning_rate",
    "random_state": "seed",
    "tau": "temperature",
    "wd": "weight_decay",
}
"""What other libraries call options of ours."""

NEAR = 0.7
"""From which ratio of difflib on names are spelled alike; at 0.6 ``temp`` is near ``steps``."""


def close_match(word: str, choices: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the choice nearest to ``word``, or an empty string."""
    match = _nearest(word.lower(), [*dict.fromkeys(choices)])
    return f" Did you mean {match!r}?" if match else ""


def _nearest(word: str, names: list[str]) -> str:
    """Return the name by another name of it, else by its beginning, a part of it, or spelling."""
    said = ELSEWHERE.get(word.replace("-", "_"), "")
    if said in names:
        return said
    lower = {name.lower(): name for name in reversed(names)}
    # Two letters are no beginning of anything.
    if len(word) > 2:
        for begins in (f"{word}_", f"{word}-", word):
            if found := [name for name in names if name.lower().startswith(begins)]:
                return min(found, key=len)
        if found := [name for name in names if word in name.lower().split("_")]:
            return min(found, key=len)
    near = difflib.get_close_matches(word, [*lower], n=1, cutoff=NEAR)
    return lower[near[0]] if near else ""


def listing(choices: Iterable[str]) -> str:
    """Return the choices as one readable list, sorted; "none" when there are none."""
    return ", ".join(sorted(choices)) or "none"


def shortened(names: Iterable[str], most: int = 3, between: str = ", ") -> str:
    """Return the first few names in their order, and how many more there are."""
    all_names = list(names)
    more = f" and {len(all_names) - most} more" if len(all_names) > most else ""
    return (between.join(all_names[:most]) or "none") + more
