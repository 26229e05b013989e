"""What runs beside serving: metering, housekeeping, drains."""
