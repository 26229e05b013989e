"""What the engine knows of each model: one file a family, its profiles beside it."""
