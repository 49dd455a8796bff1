"""A benchmark's report for people and programs: text, HTML, CSV, JSON and its schema."""
