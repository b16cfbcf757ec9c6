"""The REST methods: parameters in, answers out. Knows nothing of sockets."""
