"""The embedded broker: NATS with MQTT, its guard at the door, and the bus the hub reads.

`binary` checks the executable, `config` writes its configuration, `keys` its secrets, `server`
keeps it running, `gate` decides who may connect, `bus` brings the messages to the hub.
"""
