"""Portals: their credentials, OAuth tokens, authorizations begun, and request budgets."""
