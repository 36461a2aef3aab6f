"""The files a device gets: keys, options for `mosquitto_pub`, settings, and how to use them.

Pure: bytes in, bytes out. The options file and the command in README.txt work as they are.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

OPTIONS_FILE = "mosquitto_pub"  # the name that mosquitto_pub looks for in XDG_CONFIG_HOME

_README = """\
{device} - Beffroi

Dans ce dossier / in this folder:
  device.key       la clé secrète de l'appareil : ne pas copier ailleurs
                   the device's secret key: do not copy it elsewhere
  device.crt       son certificat, valable jusqu'au {end}
                   its certificate, valid until {end}
  ca.crt           l'autorité de la commune, pour reconnaître le serveur
                   the commune's authority, to recognise the server
  mosquitto_pub    options pour mosquitto_pub / options for mosquitto_pub
  config.json      les mêmes réglages pour un programme / the same settings for a program

Envoyer une mesure (dans ce dossier) / send a reading (in this folder):

  XDG_CONFIG_HOME=. mosquitto_pub -t {topic} -m '{{"values": {{"battery_v": 3.6}}}}'

Sans le fichier d'options / without the options file:

  {command}

QoS 1 (-q 1) : le serveur accuse réception quand la mesure est sur le disque.
QoS 1 (-q 1): the server acknowledges when the reading is on disk.
"""


def files(
    device: str,
    host: str,
    port: int,
    *,
    ca_pem: bytes,
    cert_pem: bytes,
    key_pem: bytes | None,
    not_after_ms: int,
    is_gateway: bool,
) -> Mapping[str, bytes]:
    """File name -> content. `key_pem` None: the device has made its own key (`device.key`)."""
    topic = f"d/{device}/{'batch' if is_gateway else 'tele'}"
    end = dt.datetime.fromtimestamp(not_after_ms / 1000, dt.UTC).date().isoformat()
    options = {
        "-h": host,
        "-p": str(port),
        "-i": device,
        "-q": "1",
        "--cafile": "ca.crt",
        "--cert": "device.crt",
        "--key": "device.key",
    }
    command = "mosquitto_pub " + " ".join(f"{name} {value}" for name, value in options.items())
    command += f' -t {topic} -m \'{{"values": {{"battery_v": 3.6}}}}\''
    settings = {
        "host": host,
        "port": port,
        "client_id": device,
        "protocol": "MQTT 3.1.1 over TLS 1.2 or 1.3, client certificate",
        "qos": 1,
        "publish": [f"d/{device}/tele"] + ([f"d/{device}/batch"] if is_gateway else []),
        "ca": "ca.crt",
        "cert": "device.crt",
        "key": "device.key",
        "cert_not_after": end,
    }
    readme = _README.format(device=device, end=end, topic=topic, command=command)
    content = {
        "ca.crt": ca_pem,
        "device.crt": cert_pem,
        "config.json": json.dumps(settings, indent=2).encode() + b"\n",
        OPTIONS_FILE: "".join(f"{name} {value}\n" for name, value in options.items()).encode(),
        "README.txt": readme.encode(),
    }
    return content if key_pem is None else {"device.key": key_pem, **content}
