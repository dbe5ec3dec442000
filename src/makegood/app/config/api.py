"""The JSON API: one document, a router from each room."""

from ninja import NinjaAPI

from makegood.app.desk.api import router as customers
from makegood.ground.api.auth import Holds
from makegood.ground.api.problems import add_handlers
from makegood.lead.scorecards.api import router as scorecards
from makegood.prevent.improvements.api import router as improvements
from makegood.prevent.incidents.api import router as incidents
from makegood.prevent.outreach.api import router as outreach
from makegood.prevent.signals.api import router as signals
from makegood.recover.cases.api import router as cases
from makegood.recover.cases.api_handling import router as handling
from makegood.recover.cases.api_lists import router as lists
from makegood.recover.cases.api_macros import router as macros
from makegood.recover.cases.api_together import router as together
from makegood.recover.cases.service_levels.api import router as service_levels
from makegood.recover.commitments.api import router as commitments
from makegood.recover.intake.api import router as intake
from makegood.recover.triage.api import router as triage

api = NinjaAPI(
    title="Makegood", version="1", description="Put failed purchases right.", auth=Holds("cases.see"),
    urls_namespace="api", docs_url=None,  # its reader comes from a CDN; the document itself is ours
)  # fmt: skip
add_handlers(api)
api.add_router("", cases)
api.add_router("", handling)
api.add_router("", together)
api.add_router("", macros)
api.add_router("", lists)
api.add_router("", service_levels)
api.add_router("", commitments)
api.add_router("", intake)
api.add_router("", triage)
api.add_router("", signals)
api.add_router("", incidents)
api.add_router("", scorecards)
api.add_router("", outreach)
api.add_router("", improvements)
api.add_router("", customers)
