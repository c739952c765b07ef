"""The attack itself, pure: arrays in, arrays out; it never sees who is a member of the target."""
