"""Jobs of cases."""

from procrastinate.contrib.django import app

from makegood.recover.cases.services.attachments import scan_waiting


@app.task(name="cases.scan")
def scan() -> None:
    """Show new files to the virus scanner. Running twice at once is harmless."""
    scan_waiting()


@app.periodic(cron="*/5 * * * *")
@app.task(name="cases.scan_again", queueing_lock="cases.scan_again")
def scan_again(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """What waits because the scanner failed, or because there was none when it came."""
    scan_waiting()
