"""Events: what is raised, who is bound, how it is sent or queued (fact sheet 7)."""
