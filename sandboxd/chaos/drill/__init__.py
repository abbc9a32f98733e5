"""Drills: an app is run while things go wrong, watched on the wire, measured and graded.

A **call** is one request of the app, a **line** one connection. The **course** of a drill is what happened when: it was
ready, the outage began, the outage ended, it was stopped. From these come the **measures**, and from the measures the
**grade**, A to F, with its reasons in words.

All moments are in seconds since the app was started.
"""
