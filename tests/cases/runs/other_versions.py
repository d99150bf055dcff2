"""A run is resumed with another version of what it was begun with.

Right: a warning on stderr names what differs, for a library, for a strategy in a file,
and for an installed plugin.
"""

from __future__ import annotations

import shutil

from common import PLACE, evoframe, evolve, last, verdict

plugin = """
import attrs
from evoframe.plugin import Mutation, hookimpl

@attrs.frozen
class Same(Mutation):
    \"\"\"Nothing.\"\"\"
    name = "same"
    def mutate(self, dna, inheritance, context):
        return dna

@hookimpl
def evoframe_mutations():
    return [Same]
"""


def install(version):
    shutil.rmtree(PLACE / "site", ignore_errors=True)
    facts = PLACE / "site" / f"same-{version}.dist-info"
    facts.mkdir(parents=True)
    (PLACE / "site" / "same_plugin.py").write_text(plugin)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: same\nVersion: {version}\n")
    (facts / "entry_points.txt").write_text("[evoframe]\nsame = same_plugin\n")


install("1.0")
path = {"PYTHONPATH": str(PLACE / "site")}
run = evolve("run", "--mutation", "same", TINY_STOP_AFTER="3", **path)
install("2.0")
(PLACE / "tiny.py").write_text((PLACE / "tiny.py").read_text() + "\n# another version\n")
done = evoframe("resume", run, **path)
words = ("same 1.0", "same 2.0", "tiny.py with content")
missing = [word for word in words if word not in done.stderr]
verdict(
    [f"not said of what changed: {missing}; {last(done)}"] if missing else [],
    "what changed is said",
)
