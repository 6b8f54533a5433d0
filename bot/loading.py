"""One library at a time, where threads load them.

The Kubernetes client, the Docker SDK and the detectors of secrets are loaded by threads, when they
are first needed, and all of them load `requests`. Two threads that load it at once each wait for
what the other has begun, and Python then hands out modules that are half loaded ("cannot import
name … from partially initialized module").
"""

import threading

LOADING = threading.RLock()
"""Held by a thread while it imports one of them."""
