"""Exports: delivered networks in forms that need neither the run nor evoframe's strategies."""
