"""What all pages have: language, frame, forms, sessions and assets."""
