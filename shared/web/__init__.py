"""What both services put around their routes: problems, documents, keys, limits, metrics, logs, server."""
