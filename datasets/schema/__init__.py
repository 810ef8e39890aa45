"""What rows hold: types of columns, target and task, row metadata, shapes; inferred, or as the options say."""
