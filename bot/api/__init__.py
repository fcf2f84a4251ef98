"""The HTTP API: shows how the archive stands and takes requests for syncs. It enqueues; it never syncs."""
