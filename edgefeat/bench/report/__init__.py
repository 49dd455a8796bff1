"""A benchmark's report, as text, JSON, CSV and HTML."""
