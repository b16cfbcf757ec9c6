"""CRM rows and directories: staged, merged, with cursors, history and the sync log."""
