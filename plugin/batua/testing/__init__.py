"""What Batua ships for those who test against it: provider simulators and a loopback server."""
