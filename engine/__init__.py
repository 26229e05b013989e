"""Drawing: queue, scheduler, memory gate, step loop, pipeline, telemetry. Knows no users and no money."""
