"""The pages people use: rendered on the server, French first, usable with a keyboard alone.

Draws what the API layer answers; holds no rule about people, alarms or devices.
"""
