"""The assets, a file a group: raw tables, own ad leads, SQL models."""
