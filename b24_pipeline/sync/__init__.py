"""The work: what is read from a portal and stored, in what order, and what if it breaks."""
