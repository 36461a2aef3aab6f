"""Codecs of LoRaWAN devices (TS013 and its elders) in child processes that can do no harm."""
