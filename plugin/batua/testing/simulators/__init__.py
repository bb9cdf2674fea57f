"""Provider simulators: real HTTP servers that speak a provider's protocol, faults included."""
