"""``python -m evoframe``."""

from evoframe.cli import main

main(prog_name="evoframe")
