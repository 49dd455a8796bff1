"""From a connection to the buffer, in a thread that is supervised."""
