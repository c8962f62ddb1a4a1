"""What readers saw, decided and wrote: worklist, decisions, trail."""
