"""HTTP to cameras: log-in, TLS and redirections in one place, for every source that uses HTTP."""
