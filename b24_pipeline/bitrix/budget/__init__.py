"""The request budget of a portal: the leaky bucket, operating time, and waiting for both."""
