"""What crosses the seam of the store: frozen records, by subject."""
