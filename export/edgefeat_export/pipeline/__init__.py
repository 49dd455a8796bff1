"""The export from a request to published files, step by step."""
