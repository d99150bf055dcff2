"""A plugin for every role, as its author would write it: what ``evoframe new`` begins with."""
