"""What proves the copy: counts and rows beside the portal's, coverage, health, last syncs."""
