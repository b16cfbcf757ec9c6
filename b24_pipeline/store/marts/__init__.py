"""What analysts read: the funnel, views of custom fields, and who may read."""
