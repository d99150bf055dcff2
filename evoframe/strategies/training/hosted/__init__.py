"""Training in a loop of another library, for plugins that bring one."""
