"""The pages that connect a portal in the browser."""
