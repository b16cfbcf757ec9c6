"""The assets, one file for each group (raw tables, own ad leads, SQL models), and what these files share."""
