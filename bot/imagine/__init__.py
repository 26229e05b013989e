"""One request for pictures, from its words to the delivered result."""
