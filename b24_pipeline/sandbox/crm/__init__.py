"""The CRM of the sandbox: entities, their fields, pipelines, users, and what may be done to them."""
