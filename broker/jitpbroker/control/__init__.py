"""The AWS control plane on the desk: AWS IoT's API, and CloudWatch Logs' read side, for the real tools.

Rules of this package:
1. botocore's service model decides shapes, constraints, places and HTTP codes; nothing is repeated here.
2. Facts in, facts out: a `Request` makes a `Response`; sockets, clocks and logging live in `serving` alone.
3. Whatever comes in, an answer in AWS's form goes out: no HTML, no status 500, no traceback.
4. Operations run in the broker's event loop, one at a time, on the registry that admission reads.
"""
