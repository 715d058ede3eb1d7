"""The application: command line, settings, queues, the demo insurer."""
