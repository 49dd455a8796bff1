"""Answers for many pictures and rows: joined by key, written as a table."""
