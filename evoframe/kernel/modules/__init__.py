"""Modules: how any network is called, copied, named and kept sparse."""
