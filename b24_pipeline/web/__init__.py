"""HTTP: lands inbound events and answers people; the work is done elsewhere."""
