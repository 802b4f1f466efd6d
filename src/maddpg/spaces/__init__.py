"""What agents see and do, as data: how observations become columns, how columns become actions, and masks over choices. NumPy alone."""
