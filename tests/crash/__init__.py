"""Kill the bot while it works, again and again, and see whether anybody lost or paid what they should not."""
