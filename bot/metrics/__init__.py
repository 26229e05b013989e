"""What the bot tells Prometheus: counted as it happens, read from the engine, read from the ledger."""
