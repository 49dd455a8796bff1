"""Help for testing on and for devices: latency limits, faulty sources."""
