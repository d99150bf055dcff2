"""The command line. Nothing heavy is imported before a command needs it."""

from evoframe.cli.main import main as main
