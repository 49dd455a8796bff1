"""Options: each exists once, in a record, with its default, its check and its words."""
