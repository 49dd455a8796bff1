"""What a user names, as pictures: folders, files, patterns, lists of names and archives."""
