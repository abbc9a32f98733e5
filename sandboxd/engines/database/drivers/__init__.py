"""How live plugins reach a database on this machine: connection strings, connections, and the words of Go's drivers.

The real plugins are written in Go, and what its drivers say when a connection fails reaches clients. The drivers here
are Python's; these modules read connection strings as Go's do, decide alone where to connect to (no environment
variable, service file or name server has a say), and word failures as Go's do. A **dial** is one attempt to connect to
one address. What a database itself answers is passed on as it is.
"""
