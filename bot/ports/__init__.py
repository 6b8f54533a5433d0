"""The edges of Dynamo as the inside sees them: what may be asked, in the domain's own values.

Each has one adapter in `bot/adapters`, named by `bot/app.py` alone; a file here for each subject.
Every method may raise `PortError`; nothing else crosses.
"""

from bot.ports.analyses import Analyses
from bot.ports.approvals import Approvals, Comparisons
from bot.ports.audit import Audit
from bot.ports.builds import Builder, Builds, Git, Order, Progressing, Report, Revision
from bot.ports.checklists import Checklists, Checks, Decide, Record
from bot.ports.clock import Clock, sleep_until
from bot.ports.cluster import Applied, Cluster, LogTail, Manifest, Written
from bot.ports.configurations import Configurations
from bot.ports.images import ImageInfo, Images
from bot.ports.inventory import Inventory
from bot.ports.locks import Announcement, Locks, Outbox
from bot.ports.logs import FollowMessage, Follows, LogOf, Logs
from bot.ports.metrics import Metrics, Series
from bot.ports.preferences import Preferences
from bot.ports.probes import Probes
from bot.ports.slack import Messenger, People
from bot.ports.snapshots import Snapshots
from bot.ports.store import Store
from bot.ports.workbench import Workbench

__all__ = [
    "Analyses",
    "Announcement",
    "Applied",
    "Approvals",
    "Audit",
    "Builder",
    "Builds",
    "Checklists",
    "Checks",
    "Clock",
    "Cluster",
    "Comparisons",
    "Configurations",
    "Decide",
    "FollowMessage",
    "Follows",
    "Git",
    "ImageInfo",
    "Images",
    "Inventory",
    "Locks",
    "LogOf",
    "LogTail",
    "Logs",
    "Manifest",
    "Messenger",
    "Metrics",
    "Order",
    "Outbox",
    "People",
    "Preferences",
    "Probes",
    "Progressing",
    "Record",
    "Report",
    "Revision",
    "Series",
    "Snapshots",
    "Store",
    "Workbench",
    "Written",
    "sleep_until",
]
