"""How long a test waits for what has to come."""

PATIENCE_S = 600.0
"""What takes an instant here may take long on a machine that is busy with other things. Nothing that a test
expects runs into this bound; it only ends a run in which something is broken.
"""
