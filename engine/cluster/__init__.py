"""Drawing on more than one machine: one queue in front, an engine on each worker."""
