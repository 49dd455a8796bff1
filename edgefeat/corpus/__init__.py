"""Many pictures become a set: what the user names is listed, worked on, written and summed up."""
