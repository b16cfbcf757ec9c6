"""What is wrong with the files of a project: where, and all of them at once."""
