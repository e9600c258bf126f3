"""Real servers for tests: started when a test first asks, on loopback only, gone with the run."""
