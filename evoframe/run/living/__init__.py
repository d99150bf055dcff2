"""Living: what becomes of the births of a generation, one by one, together, or in rungs."""
