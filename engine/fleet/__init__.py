"""How workers are reached, hired, lost and replaced."""
