"""READ THESE FIRST: what each service promises the others. Five files tell the whole system.

A Protocol's methods that another service calls carry their HTTP form as a mark (see kassa.kit.wire); in one process
the very same methods are plain calls. All are idempotent. A kit.problem.Problem is a definite answer; Unavailable
means unknown: ask again.
"""
