"""The sandbox's Slack workspace: a server that speaks Slack's own protocols to an app under test.

`server.slack_app` assembles it; `driver.SlackDriver` acts as its people. Nothing here imports the
bot: what the app and this server share is the wire.
"""
