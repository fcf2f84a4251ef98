"""The HTTP API: tells how it goes and takes requests for syncs. It enqueues; it never syncs."""
