"""The commands of `b24`, by what they are about."""
