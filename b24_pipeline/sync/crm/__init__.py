"""Reads CRM entities, directories and status history from a portal and stores them."""
