"""Credentials on a request, and OAuth: the authorize link, the code, the refresh."""
