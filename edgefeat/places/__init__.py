"""Where files are that many machines share: a folder, or a place behind a URL (S3, GCS, HTTP)."""
