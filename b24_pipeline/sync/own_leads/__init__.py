"""Own ad leads: reads them from CSV files, matches them to the CRM by phone, and qualifies them."""
