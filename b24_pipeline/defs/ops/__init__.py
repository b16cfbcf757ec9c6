"""The ops of jobs that materialize no assets: drain, prune, reconcile."""
