"""What people see: the Flask application."""
