"""The worker: the process that owns a device, its step loop, memory, recovery and telemetry."""
