"""Months of a town's life as signs, with an attack put into them or not. Seeded.

What is strange in a month without an attack is made on purpose as strange as it gets: a storm, a
technician who switches a pump by hand without telling, an operator with an old key, a market day
set up in a hurry, scanners, a board under test. It knows nothing of the detector's rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from beffroi.hub.coordination.signs import Sign, SignKind

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MONTH_MS = 30 * DAY_MS
FLEETS = {"lights": 24, "mains": 6, "junctions": 5, "panels": 6, "paths": 4}
PEOPLE = ("p1", "p2", "p3", "p4")
K = SignKind

Make = Callable[[Random, int], Iterator[Sign]]


def _target(dice: Random, service: str) -> str:
    return f"{service}-{dice.randrange(FLEETS[service])}"


def _service(dice: Random) -> str:
    return dice.choice(list(FLEETS))


def _one(kind: SignKind) -> Make:
    def make(dice: Random, at_ms: int) -> Iterator[Sign]:
        service = _service(dice)
        actor = dice.choice(PEOPLE) if kind in (K.BEYOND, K.FORGED, K.CHANGED) else ""
        yield Sign(at_ms, kind, service, _target(dice, service), actor)

    return make


def storm(dice: Random, at_ms: int) -> Iterator[Sign]:
    """Lightning: failures in every service within two hours, and somebody who reacts."""
    actor = dice.choice(PEOPLE)
    for _ in range(dice.randint(10, 40)):
        service = _service(dice)
        kind = dice.choices((K.DANGER, K.DISOBEYED, K.CHANGED), (6, 3, 2))[0]
        when = at_ms + int(dice.betavariate(1, 3) * 2 * HOUR_MS)
        who = actor if kind is K.CHANGED else ""
        yield Sign(when, kind, service, _target(dice, service), who)


def by_hand(dice: Random, at_ms: int) -> Iterator[Sign]:
    """A technician works in a cabinet and has told nobody; sometimes a second one of the same."""
    service = dice.choice(("lights", "mains", "junctions"))
    for n in range(dice.choice((1, 1, 1, 2))):
        target = _target(dice, service)
        for again in range(dice.randint(1, 4)):
            when = at_ms + n * 20 * MINUTE_MS + again * dice.randint(1, 6) * MINUTE_MS
            yield Sign(when, K.TAMPERED, service, target)


def market(dice: Random, at_ms: int) -> Iterator[Sign]:
    """One person sets the square up by hand: panels, paths and lights, a few minutes."""
    actor = dice.choice(PEOPLE)
    for n, service in enumerate(dice.sample(("panels", "paths", "lights"), 3)):
        for k in range(dice.randint(1, 2)):
            when = at_ms + n * dice.randint(40, 180) * 1_000 + k * 15_000
            yield Sign(when, K.CHANGED, service, _target(dice, service), actor)


# How often in a month.
HABITS: tuple[tuple[float, Make], ...] = (
    (600, _one(K.CHANGED)),
    (30, _one(K.BEYOND)),
    (30, _one(K.DISOBEYED)),
    (40, _one(K.DANGER)),
    (2, _one(K.FORGED)),
    (2, _one(K.STALE)),
    (8, _one(K.IDENTITY)),
    (1, _one(K.GAP)),
    (5, _one(K.UNPLANNED)),
    (1, storm),
    (4, by_hand),
    (6, market),
)


def _times(dice: Random, mean: float) -> Iterator[float]:
    """Instants of a Poisson process of so many events within 0 to 1."""
    at = dice.expovariate(mean)
    while at < 1:
        yield at
        at += dice.expovariate(mean)


def normal(seed: int) -> list[Sign]:
    """A month without an attack. People act by day, four times out of five."""
    dice = Random(f"month-{seed}")
    signs: list[Sign] = []
    for mean, make in HABITS:
        for share in _times(dice, mean):
            at_ms = int(share * MONTH_MS)
            if dice.random() < 0.8:
                at_ms = at_ms // DAY_MS * DAY_MS + dice.randint(8 * HOUR_MS, 18 * HOUR_MS)
            signs.extend(make(dice, at_ms))
    return sorted(signs, key=lambda sign: sign.at_ms)


# --- attacks: each begins at `at_ms` --------------------------------------------------------------
def all_green(dice: Random, at_ms: int) -> Iterator[Sign]:
    """Forged commands to each junction, then raw writes that bypass everything."""
    for n in range(FLEETS["junctions"]):
        yield Sign(at_ms + n * dice.randint(200, 5_000), K.FORGED, "junctions", f"junctions-{n}")
    for n in range(dice.randint(1, 5)):
        when = at_ms + 30_000 + n * dice.randint(1_000, 20_000)
        yield Sign(when, K.UNPLANNED, "junctions", f"junctions-{n}")


def lights_out(dice: Random, at_ms: int) -> Iterator[Sign]:
    """From a phone, cabinet after cabinet."""
    for n in range(dice.randint(5, 24)):
        yield Sign(at_ms + n * dice.randint(500, 20_000), K.FORGED, "lights", f"lights-{n}")


def false_alert(dice: Random, at_ms: int) -> Iterator[Sign]:
    """Panels show an alert while paths and signals are turned: the article's scenario."""
    yield Sign(at_ms, K.UNPLANNED, "panels", _target(dice, "panels"))
    yield Sign(at_ms + dice.randint(1_000, 60_000), K.BEYOND, "paths", _target(dice, "paths"), "p2")
    when = at_ms + dice.randint(5_000, 120_000)
    yield Sign(when, K.TAMPERED, "junctions", _target(dice, "junctions"))
    when = at_ms + dice.randint(5_000, 180_000)
    yield Sign(when, K.UNPLANNED, "panels", _target(dice, "panels"))


def stolen_laptop(dice: Random, at_ms: int) -> Iterator[Sign]:
    """One person's session and key: everything that one person may do, and some that two must."""
    for n, service in enumerate(dice.sample(list(FLEETS), 4)):
        when = at_ms + n * dice.randint(3_000, 20_000)
        yield Sign(when, K.CHANGED, service, _target(dice, service), "p3")
        yield Sign(when + 2_000, K.BEYOND, service, _target(dice, service), "p3")


def patient(dice: Random, at_ms: int) -> Iterator[Sign]:
    """The same hostile things, ten to forty minutes apart: made to stay below every window."""
    for n, service in enumerate(dice.sample(list(FLEETS), 4)):
        when = at_ms + n * dice.randint(10, 40) * MINUTE_MS
        kind = dice.choice((K.FORGED, K.TAMPERED))
        yield Sign(when, kind, service, _target(dice, service))


ATTACKS: dict[str, Make] = {
    "all green": all_green,
    "lights out": lights_out,
    "false alert": false_alert,
    "stolen laptop": stolen_laptop,
    "patient": patient,
}


def attacked(seed: int, name: str) -> tuple[list[Sign], int]:
    """A month with one attack, and when it began."""
    dice = Random(f"attack-{seed}-{name}")
    at_ms = dice.randint(DAY_MS, MONTH_MS - DAY_MS)
    signs = [*normal(seed), *ATTACKS[name](dice, at_ms)]
    return sorted(signs, key=lambda sign: sign.at_ms), at_ms
