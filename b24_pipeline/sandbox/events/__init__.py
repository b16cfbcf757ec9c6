"""Events: what is raised, who is bound, how it is sent or queued (docs/bitrix24-rest.md, section 7)."""
