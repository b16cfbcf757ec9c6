"""Language, formats and assets of the pages."""
