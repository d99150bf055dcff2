"""The strategies that come with evoframe: ordinary plugins, one folder a role, one file each."""
