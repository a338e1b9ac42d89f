"""The doctor: what the evidence says, what contradicts what, and the smallest change that helps."""
