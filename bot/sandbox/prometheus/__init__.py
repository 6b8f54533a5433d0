"""A Prometheus for the offline world: its HTTP API, over traffic that follows the cluster's pods.

Nothing is scraped: counters and gauges are functions of time (`traffic`, `families`), so that last
week can be asked for as well as the last minute, and virtual time may pass at any speed. `promql`
and `evaluation` answer what dashboards of services ask; what they do not know is refused with 400,
as the real one refuses nonsense.
"""
