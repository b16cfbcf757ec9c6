"""Connects portals: OAuth with its signed state, proof of events, and the probe of a credential."""
