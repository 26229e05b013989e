"""What members can buy, and the platforms that take the money."""
