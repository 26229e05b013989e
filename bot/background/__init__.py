"""Periodic tasks while the bot serves: metering, housekeeping, drains."""
