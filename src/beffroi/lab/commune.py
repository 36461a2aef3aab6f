"""The procedural commune: from (inhabitants, seed) to everything that a hub's inventory holds.

A pure function: the same arguments give the same commune on any machine. Demo, test world and
scale benchmark are this commune at different sizes. Knows neither broker nor store.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from beffroi.lab import background, furniture, inventory
from beffroi.lab.mains import Mains, mains
from beffroi.lab.town import Town, TownError, town
from beffroi.model.asset import Asset, Commune, Device

__all__ = ["LabCommune", "TownError", "commune"]


@dataclass(frozen=True)
class LabCommune:
    """`commune.id` is "commune", as that of every asset and device."""

    commune: Commune
    assets: tuple[Asset, ...]
    devices: tuple[Device, ...]
    town: Town
    mains: Mains

    @cached_property
    def background(self) -> dict[str, Any]:
        """GeoJSON for the setting `map_background`; made when first asked for."""
        return background.background(self.town, self.mains.pipes)

    @property
    def connected(self) -> list[Device]:
        """Devices with a connection of their own: gateways and those that speak for themselves."""
        return [device for device in self.devices if not device.gateway]

    @cached_property
    def children(self) -> dict[str, list[Device]]:
        """What speaks through each gateway."""
        found: dict[str, list[Device]] = {}
        for device in self.devices:
            if device.gateway:
                found.setdefault(device.gateway, []).append(device)
        return found


def commune(inhabitants: int, seed: int) -> LabCommune:
    """A commune of 500 to 1,000,000 inhabitants. Raises TownError outside of that."""
    ground = town(inhabitants, seed)
    pipes = mains(ground)
    lamps = furniture.lamps(ground)
    services = (
        inventory.lighting(ground, lamps),
        inventory.parking(ground, furniture.bays(ground)),
        inventory.water(ground, pipes),
        inventory.flows(ground, furniture.counters(ground)),
        inventory.boards(ground, furniture.boards(ground)),
        inventory.paying(ground),
        inventory.plant(ground, pipes),
        inventory.signals(ground, furniture.crossings(ground)),
    )
    whole = inventory.Books()
    for books in services:
        inventory.neglect(books, ground.rng("neglect"))
        whole.assets += books.assets
        whole.devices += books.devices
    lon, lat = ground.frame.lon, ground.frame.lat
    return LabCommune(
        commune=Commune("commune", ground.name, inhabitants, lon, lat),
        assets=tuple(whole.assets),
        devices=tuple(whole.devices),
        town=ground,
        mains=pipes,
    )
