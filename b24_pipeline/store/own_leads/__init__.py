"""Own ad leads: imported, matched with the CRM by phone, and counted."""
