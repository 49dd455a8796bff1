"""Latency benchmarking: scenarios, percentiles that a sample supports, honest conditions."""
