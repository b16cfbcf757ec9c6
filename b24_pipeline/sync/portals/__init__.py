"""Connects portals: OAuth, probing a credential, and bounds on asking for proof."""
