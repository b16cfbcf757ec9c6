"""The pages on which a person connects a portal by OAuth."""
