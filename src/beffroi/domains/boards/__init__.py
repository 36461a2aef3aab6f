"""Display boards: templates only, alerts by two organisations, read back (M12). See `domain.md`."""

from beffroi.domains import measure_streets, sharing_streets
from beffroi.domains.base import Domain
from beffroi.domains.boards.acts import ACTS, board_envelope, ordered
from beffroi.domains.boards.announce import announce
from beffroi.domains.boards.cap import advise
from beffroi.domains.boards.decode import MODELS, decode
from beffroi.domains.boards.entities import BOARD
from beffroi.domains.boards.rules import RULES
from beffroi.domains.boards.watch import BoardWatch
from beffroi.model.asset import Label

DOMAIN = Domain(
    name="boards",
    label=Label("Panneaux d’information", "Message boards"),
    kinds={BOARD.name: BOARD},
    rules=RULES,
    decode=decode,
    watch=BoardWatch,
    models=MODELS,
    colour="#b0413e",
    acts=ACTS,
    envelope=board_envelope,
    ordered=ordered,
    advise=advise,
    announce=announce,
    measures=measure_streets.BOARDS,
    entries=measure_streets.BOARD_ENTRIES,
    sharing=sharing_streets.BOARDS,
)
