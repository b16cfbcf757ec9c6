"""The HTTP service: connects portals, lands their events, answers the management calls."""
