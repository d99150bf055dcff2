"""Print the oldest version of each dependency that pyproject.toml declares, but for torch."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
declared = [*project["dependencies"], *project["optional-dependencies"]["testing"]]
for requirement in declared:
    name, version = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()
    if name != "torch":
        print(f"{name}=={version}")
