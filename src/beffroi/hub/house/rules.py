"""Alarms of the hub about itself, in the words of the alarm desk. Their "asset" is a device or "".

Each says what to do first, to somebody who was woken up. Knows no service of the town.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity

_G, _W, _I = Severity.GRAVE, Severity.WARNING, Severity.INFO


def _rule(name: str, severity: Severity, fr: str, en: str, advice_fr: str, advice_en: str) -> Rule:
    return Rule(f"house.{name}", severity, Label(fr, en), Label(advice_fr, advice_en))


_ALL = (
    _rule(
        "broker_trouble", _G,
        "Les messages des appareils ne sont plus gardés ({why})",
        "Messages of devices are no longer kept ({why})",
        "Libérez de la place sur le disque du serveur : le courtier repart de lui-même. Rien n’est "
        "perdu, les appareils gardent leurs mesures et les renvoient.",
        "Make room on the server’s disk: the broker starts again by itself. Nothing is lost, "
        "devices keep their readings and send them again.",
    ),
    _rule(
        "broker_away", _G,
        "Le courtier de messages ne répond plus depuis {minutes:.0f} min",
        "The message broker has not answered for {minutes:.0f} min",
        "Regardez « nats/server.log » dans le dossier de Beffroi, puis redémarrez le service.",
        "Look at “nats/server.log” in Beffroi’s folder, then restart the service.",
    ),
    _rule(
        "disk_readonly", _G,
        "Le disque du serveur est passé en lecture seule",
        "The server’s disk has become read-only",
        "Plus rien ne peut être écrit ; les appareils gardent leurs mesures. Arrêtez Beffroi, "
        "faites vérifier le disque (« fsck »), redémarrez. S’il recommence, changez le disque.",
        "Nothing can be written any more; devices keep their readings. Stop Beffroi, have the disk "
        "checked (“fsck”), start again. If it comes back, replace the disk.",
    ),
    _rule(
        "disk_full", _G,
        "Le disque du serveur est plein : il reste {free_mb:.0f} Mo",
        "The server’s disk is full: {free_mb:.0f} MB are left",
        "Supprimez d’abord les vieilles sauvegardes déjà copiées ailleurs ; ne touchez ni à "
        "« evidence » ni à la base.",
        "First remove old backups that are kept elsewhere too; touch neither “evidence” nor the "
        "database.",
    ),
    _rule(
        "disk_low", _W,
        "Le disque du serveur se remplit : il reste {free_mb:.0f} Mo ({share:.0f} %)",
        "The server’s disk fills up: {free_mb:.0f} MB are left ({share:.0f} %)",
        "Rien d’urgent cette nuit : déplacez les vieilles sauvegardes ou agrandissez le disque "
        "cette semaine.",
        "Nothing urgent tonight: move old backups away or enlarge the disk this week.",
    ),
    _rule(
        "refused", _W,
        "{device} utilise des sujets MQTT qui ne sont pas les siens ({times:.0f} fois)",
        "{device} uses MQTT topics that are not its own ({times:.0f} times)",
        "Corrigez son réglage : seul « d/ » suivi de son nom lui est ouvert. Si personne ne l’a "
        "touché, révoquez-le sur sa page ou avec « beffroi device revoke ».",
        "Correct its setting: only “d/” and its own name are open to it. If nobody has touched it, "
        "revoke it on its page or with “beffroi device revoke”.",
    ),
    _rule(
        "twins", _G,
        "Deux connexions se disputent le certificat de {device} ({times:.0f} fois)",
        "Two connections fight for the certificate of {device} ({times:.0f} times)",
        "Son certificat est sans doute copié : révoquez l’appareil (« beffroi device revoke »), "
        "puis enrôlez-le de nouveau. Si sa liaison est très mauvaise, regardez d’abord l’antenne.",
        "Its certificate was probably copied: revoke the device (“beffroi device revoke”), then "
        "enrol it again. If its link is very bad, look at the antenna first.",
    ),
    _rule(
        "dropped", _W,
        "{count:.0f} messages envoyés sans accusé de réception (QoS 0) ont été perdus",
        "{count:.0f} messages sent without acknowledgement (QoS 0) were lost",
        "Réglez ces appareils sur QoS 1 : le serveur leur répondra, et ils renverront ce qui "
        "manque.",
        "Set these devices to QoS 1: the server will answer them and they send again what is "
        "missing.",
    ),
    _rule(
        "certificate", _W,
        "Le certificat de {device} se termine dans {days:.0f} jours",
        "The certificate of {device} ends in {days:.0f} days",
        "Renouvelez-le avant cette date (« beffroi device renew ») et portez les fichiers dans "
        "l’appareil. Ensuite, il ne pourrait plus se connecter.",
        "Renew it before that day (“beffroi device renew”) and bring the files to the device. "
        "After that it could no longer connect.",
    ),
    _rule(
        "certificate_over", _W,
        "Le certificat de {device} est terminé : l’appareil ne peut plus se connecter",
        "The certificate of {device} has ended: the device cannot connect any more",
        "Enrôlez-le de nouveau (« beffroi device enrol »), ou retirez-le de l’inventaire.",
        "Enrol it again (“beffroi device enrol”), or take it off the inventory.",
    ),
    _rule(
        "server_certificate", _G,
        "Le certificat du serveur se termine dans {days:.0f} jours",
        "The server’s certificate ends in {days:.0f} days",
        "Il aurait dû se renouveler seul. Redémarrez le service ; sinon, vérifiez que le dossier "
        "« ca » peut être écrit. À la fin, plus aucun appareil ne se connecterait.",
        "It should have renewed itself. Restart the service; else see that the folder “ca” can be "
        "written. At its end no device could connect any more.",
    ),
    _rule(
        "authority", _W,
        "L’autorité de certification de la commune se termine dans {days:.0f} jours",
        "The commune’s certificate authority ends in {days:.0f} days",
        "Prévoyez une nouvelle autorité : tous les appareils devront être enrôlés de nouveau.",
        "Plan a new authority: all devices will have to be enrolled again.",
    ),
    _rule(
        "backup_old", _W,
        "La dernière sauvegarde a {days:.0f} jours",
        "The last backup is {days:.0f} days old",
        "Lancez « beffroi data backup », puis copiez les fichiers sur une autre machine.",
        "Run “beffroi data backup”, then copy the files to another machine.",
    ),
    _rule(
        "backup_never", _W,
        "Aucune sauvegarde n’existe ici",
        "There is no backup here",
        "Lancez « beffroi data backup » et prévoyez-le chaque nuit ; copiez les fichiers ailleurs.",
        "Run “beffroi data backup” and plan it for each night; copy the files elsewhere.",
    ),
    _rule(
        "restore_never", _I,
        "Aucune sauvegarde n’a encore été relue",
        "No backup has been read back yet",
        "Essayez-en une dans un dossier vide : « beffroi data restore FICHIER --home DOSSIER ».",
        "Try one in an empty folder: “beffroi data restore FILE --home FOLDER”.",
    ),
    _rule(
        "witnesses", _W,
        "Des communes témoins ne contresignent pas ({why})",
        "Neighbour communes do not cosign ({why})",
        "Les commandes qui demandent un témoin attendent, les autres continuent. Appelez la "
        "commune nommée ; vérifiez aussi la connexion à Internet.",
        "Commands that need a witness wait, the others go on. Call the commune named; check the "
        "Internet connection too.",
    ),
    _rule(
        "rolled_back", _G,
        "Le journal de preuves a été remis à un état antérieur ou réécrit ({why})",
        "The evidence log was put back to an earlier state or rewritten ({why})",
        "Arrêtez Beffroi et copiez le dossier « evidence » tel quel : c’est une preuve. Prévenez "
        "le référent sécurité et la commune témoin avant toute restauration.",
        "Stop Beffroi and copy the folder “evidence” as it is: it is evidence. Tell the security "
        "contact and the witness commune before anything is restored.",
    ),
    _rule(
        "trust_ends", _W,
        "Les règles signées de la commune se terminent dans {days:.0f} jours",
        "The commune’s signed rules end in {days:.0f} days",
        "Réunissez les porteurs des clés racine avant cette date : « beffroi trust » (page "
        "imprimée). Ensuite, plus rien ne pourrait être commandé.",
        "Bring the holders of the root keys together before that day: “beffroi trust” (the printed "
        "page). After that nothing could be commanded any more.",
    ),
    _rule(
        "clock", _G,
        "L’heure du serveur est fausse ou a sauté ({why})",
        "The server’s time is wrong or has jumped ({why})",
        "Remettez le serveur à l’heure (NTP). Les armoires gardent leur propre heure et refusent "
        "les commandes périmées ; les mesures de cette période seront mal datées.",
        "Set the server’s time right (NTP). Cabinets keep their own time and refuse commands that "
        "are over; readings of this period will be dated wrongly.",
    ),
)  # fmt: skip
RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
