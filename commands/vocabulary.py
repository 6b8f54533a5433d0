"""The verbs that Dynamo understands, as declarations.

What a verb does stands in the file of its name beside this one; how a line is read from these
declarations stands in `parser.py`. A further verb is declared here and listed in `VERBS`.
"""

from __future__ import annotations

from commands.command import Argument, Command, Kind, Option

SERVICE = Argument("service", Kind.SERVICE)
ENVIRONMENT = Argument("environment", Kind.ENVIRONMENT)
VERSION = Argument("version", Kind.VERSION, required=False)

DRY_RUN = Option("dry-run", aliases=("dryrun", "simular", "ensayo"))
REASON = Option("reason", aliases=("motivo", "razón", "because"), kind=Kind.TEXT)
OVERRIDE = Option("override", aliases=("break-glass", "forzar", "emergencia"), kind=Kind.TEXT)

DEPLOY = Command(
    name="deploy",
    aliases=("ship", "desplegar", "despliega", "despliegue"),
    arguments=(SERVICE, ENVIRONMENT, VERSION),
    options=(DRY_RUN, REASON, OVERRIDE),
    examples=(
        "deploy tasks-service qa",
        "deploy tasks-service qa 1.4.0 --dry-run",
        'deploy tasks-service qa 1.4.0 --reason "fixes #231"',
    ),
)

BUILD = Command(
    name="build",
    aliases=("construir", "construye"),
    arguments=(SERVICE, Argument("ref", Kind.VERSION)),
    examples=("build tasks-service main", "build tasks-service v1.5.0"),
)

PROMOTE = Command(
    name="promote",
    aliases=("promover", "promueve"),
    arguments=(SERVICE, Argument("environment", Kind.ENVIRONMENT, required=False), VERSION),
    options=(REASON, OVERRIDE),
    examples=(
        "promote tasks-service",
        "promote tasks-service production",
        'promote tasks-service production --override "users cannot log in"',
    ),
)

APPROVE = Command(
    name="approve",
    aliases=("aprobar", "aprueba"),
    arguments=(SERVICE, ENVIRONMENT, VERSION),
    examples=("approve tasks-service production", "approve tasks-service production 1.4.0"),
)

REJECT = Command(
    name="reject",
    aliases=("rechazar", "rechaza"),
    arguments=(SERVICE, ENVIRONMENT, VERSION),
    options=(REASON,),
    examples=('reject tasks-service production --reason "the migration is missing"',),
)

ROLLBACK = Command(
    name="rollback",
    aliases=("revert", "undo", "revertir", "revierte", "deshacer", "deshaz", "volver"),
    arguments=(SERVICE, ENVIRONMENT, VERSION),
    options=(REASON,),
    examples=(
        "rollback tasks-service qa",
        "rollback tasks-service production 1.3.2",
        'rollback tasks-service qa --reason "errors since the deploy"',
    ),
)

SCALE = Command(
    name="scale",
    aliases=("resize", "escalar", "escala"),
    arguments=(SERVICE, ENVIRONMENT, Argument("replicas", Kind.COUNT)),
    options=(REASON,),
    examples=("scale tasks-service qa 5", "scale tasks-service qa +2"),
)

WHOAMI = Command(
    name="whoami",
    aliases=("quiensoy", "me", "yo"),
    examples=("whoami",),
    reads=True,
)

STATUS = Command(
    name="status",
    aliases=("st", "estado"),
    arguments=(
        Argument("service", Kind.SERVICE, required=False),
        Argument("environment", Kind.ENVIRONMENT, required=False),
    ),
    examples=("status", "status tasks-service", "status qa", "status tasks-service qa"),
    reads=True,
)

CANCEL = Command(
    name="cancel",
    aliases=("abort", "stop", "cancelar", "cancela"),
    arguments=(SERVICE, ENVIRONMENT),
    options=(REASON,),
    examples=("cancel tasks-service qa",),
)

ANYWHERE = Argument("service", Kind.SERVICE, required=False)

LOCK = Command(
    name="lock",
    aliases=("hold", "bloquear", "bloquea"),
    arguments=(ANYWHERE, ENVIRONMENT),
    options=(
        REASON,
        Option("for", aliases=("durante", "por"), kind=Kind.DURATION),
        Option("take", aliases=("steal", "tomar")),
    ),
    examples=(
        'lock qa --reason "load test" --for 2h',
        "lock tasks-service prod",
        "lock qa --take",
    ),
)

UNLOCK = Command(
    name="unlock",
    aliases=("desbloquear", "desbloquea"),
    arguments=(ANYWHERE, ENVIRONMENT),
    options=(Option("force", aliases=("forzar",)),),
    examples=("unlock qa", "unlock tasks-service prod", "unlock qa --force"),
)

LOCKS = Command(
    name="locks",
    aliases=("bloqueos",),
    arguments=(Argument("environment", Kind.ENVIRONMENT, required=False),),
    examples=("locks", "locks qa"),
    reads=True,
)

HISTORY = Command(
    name="history",
    aliases=("historial", "audit"),
    arguments=(ANYWHERE, Argument("environment", Kind.ENVIRONMENT, required=False)),
    examples=("history", "history tasks-service", "history qa", "history tasks-service qa"),
    reads=True,
)

STATS = Command(
    name="stats",
    aliases=("dora", "estadísticas", "números"),
    arguments=(ANYWHERE,),
    options=(Option("days", aliases=("días",), kind=Kind.COUNT),),
    examples=("stats", "stats tasks-service", "stats --days 90"),
    reads=True,
)

LOGS = Command(
    name="logs",
    aliases=("log", "registros", "registro", "ver"),
    arguments=(SERVICE, ENVIRONMENT),
    options=(
        Option("follow", aliases=("f", "live", "seguir", "directo")),
        Option("since", aliases=("desde",), kind=Kind.DURATION),
        Option("tail", aliases=("last", "últimas", "líneas"), kind=Kind.COUNT),
        Option("grep", aliases=("search", "buscar"), kind=Kind.TEXT),
        Option("level", aliases=("nivel",), kind=Kind.TEXT),
        Option("previous", aliases=("anterior",)),
        Option("pod", kind=Kind.TEXT),
        Option("container", aliases=("contenedor",), kind=Kind.TEXT),
        Option("json", aliases=("field", "campo"), kind=Kind.TEXT),
    ),
    examples=(
        "logs tasks-service qa",
        "logs tasks-service qa --follow",
        "logs tasks-service prod --since 15m --level error",
        'logs tasks-service qa --grep "/status=5\\d\\d/" --tail 500',
        "logs tasks-service qa --json status=500",
        "logs tasks-service qa --previous",
    ),
    reads=True,
)

CHECKLIST = Command(
    name="checklist",
    aliases=("lista", "list"),
    arguments=(SERVICE, VERSION),
    examples=("checklist tasks-service", "checklist tasks-service 1.4.0"),
)

DIFF = Command(
    name="diff",
    aliases=("compare", "comparar", "diferencias"),
    arguments=(
        SERVICE,
        ENVIRONMENT,
        Argument("other-environment", Kind.ENVIRONMENT, required=False),
        VERSION,
    ),
    examples=(
        "diff tasks-service prod",
        "diff tasks-service qa 1.4.0",
        "diff tasks-service qa prod",
    ),
    reads=True,
)

CONFIG = Command(
    name="config",
    aliases=("configure", "configurar", "configuración"),
    arguments=(SERVICE, ENVIRONMENT),
    options=(Option("restore", aliases=("undo", "reponer", "restaurar")),),
    examples=("config tasks-service qa", "config tasks-service qa --restore"),
)

CHECK = Command(
    name="check",
    aliases=("verify", "revisar", "comprobar"),
    arguments=(SERVICE, ENVIRONMENT),
    examples=("check tasks-service prod",),
    reads=True,
)

HELP = Command(
    name="help",
    aliases=("usage", "ayuda"),
    arguments=(Argument("command", Kind.COMMAND, required=False),),
    examples=("help", "help deploy"),
    reads=True,
)

VERBS: tuple[Command, ...] = (
    DEPLOY,
    BUILD,
    PROMOTE,
    APPROVE,
    REJECT,
    ROLLBACK,
    SCALE,
    STATUS,
    LOGS,
    CANCEL,
    CHECKLIST,
    LOCK,
    UNLOCK,
    LOCKS,
    DIFF,
    CONFIG,
    CHECK,
    HISTORY,
    STATS,
    WHOAMI,
    HELP,
)
"""In the order in which help lists them."""
