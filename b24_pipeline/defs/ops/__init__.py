"""The ops of the jobs that are no assets: drain, prune, reconcile."""
