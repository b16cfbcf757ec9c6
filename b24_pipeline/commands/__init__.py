"""The commands of `b24`: one module a command, and what they share."""
