"""How near a device is to self-sustained oscillation, in a stated circuit."""
