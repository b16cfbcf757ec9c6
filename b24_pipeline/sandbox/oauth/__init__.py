"""The app, its grants and the authorization server's answers; knows nothing of HTTP."""
