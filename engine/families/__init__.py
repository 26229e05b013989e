"""What the engine knows of each kind of model: one file a family, tables of numbers beside it."""
