"""Where the sun stands, from place and time alone: the NOAA formulas (Meeus, chapter 25, short).

Good to about 0.02 degrees between 1950 and 2100, refraction left out. Refuses to know the weather.
"""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin

NIGHT_MDEG = -833  # the upper edge of the sun at the horizon, refraction included
_J2000_MS = 946_728_000_000  # 2000-01-01 12:00 UTC
_DAY_MS = 86_400_000


def elevation_mdeg(latitude_deg: float, longitude_deg: float, now_ms: int) -> int:
    """Thousandths of a degree above the horizon."""
    days = (now_ms - _J2000_MS) / _DAY_MS
    century = days / 36_525
    mean = radians(280.46646 + 36_000.76983 * century)
    anomaly = radians(357.52911 + 35_999.05029 * century)
    centre = (
        (1.914602 - 0.004817 * century) * sin(anomaly)
        + (0.019993 - 0.000101 * century) * sin(2 * anomaly)
        + 0.000289 * sin(3 * anomaly)
    )
    node = radians(125.04 - 1934.136 * century)
    longitude = mean + radians(centre - 0.00569 - 0.00478 * sin(node))
    tilt = radians(23.43929 - 0.0130042 * century + 0.00256 * cos(node))
    declination = asin(sin(tilt) * sin(longitude))
    ascension = atan2(cos(tilt) * sin(longitude), cos(longitude))
    sidereal = radians(280.46062 + 360.98564737 * days + longitude_deg)
    hour = sidereal - ascension
    latitude = radians(latitude_deg)
    height = sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour)
    return round(degrees(asin(max(-1.0, min(1.0, height)))) * 1000)
