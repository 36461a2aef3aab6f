"""What can be wrong with how the town answers its inhabitants. Holds no logic.

No text of law fixes these delays: they are defaults of Beffroi (`domain.md`). What a judge looks at
is the time between a report that was received and the moment when the danger was made safe.
"""

from __future__ import annotations

from beffroi.domains.rule_table import parse

_TABLE = """
danger | GRAVE | local
- Danger signalé par un habitant ({report}) : à mettre en sécurité avant le {deadline}
- Danger reported by an inhabitant ({report}): to be made safe before {deadline}
- Allez voir ou faites voir ; balisez, coupez ou éclairez, puis notez l’heure de mise en sécurité
  sur le signalement. Si ce n’est pas un danger, dites-le sur le signalement, avec le motif.
- Go and look, or have it looked at; cordon off, switch off or light it, then note on the report
  when it was made safe. If it is no danger, say so on the report, with the reason.
danger_overdue | GRAVE | local
- Danger signalé ({report}) : délai de mise en sécurité dépassé depuis {hours:.0f} h
- Reported danger ({report}): {hours:.0f} h past the deadline to make it safe
- Balisez maintenant, même provisoirement. Le temps écoulé depuis le signalement est ce qu’on
  reprochera à la commune.
- Cordon it off now, even provisionally. The time since the report is what the commune will be
  blamed for.
answer_late | WARNING | local
- Signalement sans réponse depuis {days:.0f} jours ({report})
- Report without an answer for {days:.0f} days ({report})
- Répondez, même pour dire qu’il faut attendre et pourquoi.
- Answer, even if only to say that it must wait and why.
desk_silent | WARNING | local
- Lieu d’accueil sans nouvelles depuis {hours:.0f} h
- Report desk silent for {hours:.0f} h
- Vérifiez qu’il est ouvert et que ses comptes arrivent.
- Check that it is open and that its counts arrive.
"""

RULES = parse("participation", _TABLE)
