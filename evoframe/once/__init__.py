"""Once: a network made smaller in one cut, without a run, for people with their own training."""
