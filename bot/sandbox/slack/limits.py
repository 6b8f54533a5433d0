"""Every number of Slack's that the workspace enforces, in one place.

Sources: Slack's documentation and what its servers were seen to answer, collected with their
evidence in the project's contract sheet, §2 and §3. Numbers that Slack does not publish are marked
(ours).
"""

from __future__ import annotations

# -- messages --------------------------------------------------------------------------------------
MESSAGE_BLOCKS = 50
MESSAGE_TEXT = 40_000  # longer is cut, with the warning message_truncated
UPDATE_TEXT = 4_000
MARKDOWN_TEXT = 12_000  # also summed over the markdown blocks of a message
BLOCKS_TEXT = 12_000  # (ours) all text of a message's blocks; between what passed and what failed
BLOCKS_JSON = 16_500  # (ours) characters of the blocks as JSON
ATTACHMENTS = 100
METADATA_JSON = 8_000  # (ours) bytes of a message's metadata

# -- ids and texts ---------------------------------------------------------------------------------
BLOCK_ID = 255
ACTION_ID = 255
TEXT = 3_000
SECTION_FIELDS = 10
SECTION_FIELD = 2_000
HEADER = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
CONTEXT_ACTIONS_ELEMENTS = 5

# -- elements --------------------------------------------------------------------------------------
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
AGENT_PROMPT = 4_000
ACCESSIBILITY_LABEL = 75
URL = 3_000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_DESCRIPTION = 75
OVERFLOW_OPTIONS = 5
CHOICE_OPTIONS = 10  # checkboxes and radio buttons
SELECT_OPTIONS = 100
SELECT_GROUPS = 100
GROUP_LABEL = 75
PLACEHOLDER = 150
INPUT_LABEL = 2_000
INPUT_HINT = 2_000
PLAIN_TEXT_INPUT = 3_000
FILE_INPUT_FILES = 10
ALT_TEXT = 2_000
IMAGE_TITLE = 2_000
LIST_INDENT = 8
RICH_PARTS = 10_000  # (ours) of one rich text, and of each of its lists and lines
WORD = 100  # (ours) names of emoji, time zones, languages, file types
PEOPLE = 100  # (ours) that a button is shown to
FILE_TYPES = 100  # (ours)
WORKFLOW_INPUTS = 100  # (ours)
HEADER_LEVELS = 4
LATEST_SECOND = 9_999_999_999  # of a date and time: ten digits
VIDEO_TITLE = 200
VIDEO_AUTHOR = 50

# -- tables and charts -----------------------------------------------------------------------------
TABLE_ROWS = 100
TABLE_CELLS = 20
TABLES_PER_MESSAGE = 1
TABLE_TEXT = 10_000
DATA_TABLE_ROWS = 101  # the header and a hundred more
DATA_TABLE_COLUMNS = 20
DATA_TABLE_PAGE = 100
CHARTS_PER_MESSAGE = 2
CHART_TITLE = 50
CHART_SEGMENTS = 12
CHART_SERIES = 12
CHART_CATEGORIES = 20
CHART_LABEL = 20
CHART_AXIS_LABEL = 50
PLAN_TASKS = 50
ALERT_TEXT = 200
CARD_TITLE = 150
CARD_BODY = 200
CARD_ACTIONS = 3
CAROUSEL_CARDS = 10
CONTAINER_CHILDREN = 10
PROVIDER_VALUE = 150  # of an auth_provider, as its description
PROVIDER_NAME = 75  # as the identity and the place that it is connected with

# -- views -----------------------------------------------------------------------------------------
VIEW_BLOCKS = 100
VIEW_TITLE = 24
VIEW_BUTTON = 24
PRIVATE_METADATA = 3_000
CALLBACK_ID = 255
EXTERNAL_ID = 255
VIEW_JSON = 250_000
VIEW_STACK = 3

# -- files -----------------------------------------------------------------------------------------
FILE_BYTES = 1_000_000_000
FILE_ALT_TEXT = 1_000
SNIPPET_BYTES = 1_000_000
FILE_CHANNELS = 100
FILE_PROCESSING_SECONDS = 0.5  # (ours) from completing an upload to the file being shared

# -- time ------------------------------------------------------------------------------------------
ACK_SECONDS = 3.0
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
STREAM_SECONDS = 300.0  # (ours) Slack closes streams after minutes, about five were reported
STREAM_CHUNKS = 100  # (ours)
EVENT_RETRY_SECONDS = (0.0, 60.0, 300.0)
SOCKETS_PER_APP = 10
SOCKET_TICKET_SECONDS = 60.0  # (ours)
SOCKET_LIFE_SECONDS = 18_060.0  # told in hello as approximate_connection_time
SOCKET_DEBUG_LIFE_SECONDS = 360.0  # with debug_reconnects=true
SOCKET_WARNING_SECONDS = 10.0
SOCKET_PING_SECONDS = 10.0

# -- rates (ours; Slack publishes "N+ per minute") -------------------------------------------------
RATE_WINDOW_SECONDS = 60.0
#        tier: calls in the window, burst above it
TIERS = {"T1": (1, 1), "T2": (20, 5), "T3": (50, 10), "T4": (100, 20)}
POST_PER_CHANNEL_SECONDS = 1.0
POST_PER_CHANNEL_BURST = 5
POST_PER_WORKSPACE = (300, 0)
RESPONSE_URL_INTERVAL_SECONDS = 1.0
