"""Smart processes as records, and the settings of user fields."""
