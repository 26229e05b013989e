"""What an image costs here: plan it, measure it, report it, act on it."""
