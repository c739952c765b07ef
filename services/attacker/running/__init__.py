"""Running attacks and experiments: jobs on threads of their own, and the steps of an attack in order."""
