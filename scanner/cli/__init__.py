"""The command line: reads arguments, calls the services, prints what they return."""
