"""The answers to everything a person can ask besides a picture, once for all faces."""
