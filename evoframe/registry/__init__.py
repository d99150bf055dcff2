"""The registry: which plugins there are, what they offer, and what went wrong with them."""

from evoframe.registry.loading import load_registry as load_registry
from evoframe.registry.offers import (
    LoadedPlugin as LoadedPlugin,
    LoadFailure as LoadFailure,
    Offer as Offer,
    Registry as Registry,
)
