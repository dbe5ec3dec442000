"""The one route map."""

from django.contrib import admin
from django.urls import include, path

from makegood.app.config.api import api
from makegood.app.desk import customers, orders, reach_out
from makegood.app.desk import views as desk
from makegood.ground.api import views as webhooks
from makegood.ground.messages import notice_views
from makegood.ground.retail import views as rejects_views
from makegood.ground.staff import views as staff
from makegood.ground.staff.access import PUBLIC, SIGNED_IN, Access
from makegood.ground.web import vega
from makegood.ground.web import views as web
from makegood.lead.scorecards import changed_page
from makegood.lead.scorecards import views as scorecards
from makegood.prevent.outreach.views import offers
from makegood.recover.cases.views import (
    attachments,
    case,
    handling,
    levels,
    macros,
    many,
    queue,
    rules,
    taking_out,
    together,
)
from makegood.recover.intake import contact_form, mail_handed_in, mail_pages
from makegood.recover.intake import views as customers_own
from makegood.recover.triage import views as triage

cases = [
    path("", queue.queue, name="queue"),
    path("bulk", queue.bulk, name="bulk"),
    path("rules", rules.rules, name="rules"),
    path("rules/new", rules.rule, name="new_rule"),
    path("rules/<int:rule_id>", rules.rule, name="rule"),
    path("many/<slug:action>", many.many, name="many"),
    path("batches/<uuid:batch_id>", many.batch, name="batch"),
    path("batches/<uuid:batch_id>/undo", many.batch_undo, name="batch_undo"),
    path("export.csv", queue.export, name="export"),
    path("macros/", macros.macros, name="macros"),
    path("macros/actions", macros.new_action, name="new_action"),
    path("macros/<uuid:macro_id>/", macros.macros, name="macro"),
    path("macros/<uuid:macro_id>/remove", macros.remove_macro, name="remove_macro"),
    path("C-<int:number>/macros", macros.choose_macro, name="choose_macro"),
    path("views", queue.save_view, name="save_view"),
    path("views/<uuid:view_id>/remove", queue.remove_view, name="remove_view"),
    path("<int:number>/", case.by_number),
    path("C-<int:number>/", case.case, name="case"),
    path("C-<int:number>/live", case.live, name="live"),
    path("C-<int:number>/earlier", case.earlier, name="earlier"),
    path("C-<int:number>/say", case.say, name="say"),
    path("C-<int:number>/reason", case.reason, name="reason"),
    path("C-<int:number>/assignment", case.assignment, name="assignment"),
    path("C-<int:number>/status", case.status, name="status"),
    path("C-<int:number>/resolution", case.resolution, name="resolution"),
    path("C-<int:number>/reopening", case.reopening, name="reopening"),
    path("C-<int:number>/link", case.link, name="link"),
    path("C-<int:number>/link/end", case.end_link, name="end_link"),
    path("C-<int:number>/escalation", handling.escalation, name="escalation"),
    path("C-<int:number>/merging", handling.merging, name="merging"),
    path("C-<int:number>/merging/undo", handling.merge_undo, name="merge_undo"),
    path("C-<int:number>/splitting", handling.splitting, name="splitting"),
    path("C-<int:number>/splitting/undo", handling.split_undo, name="split_undo"),
    path("C-<int:number>/taking-out", taking_out.taking_out, name="taking_out"),
    path("C-<int:number>/snoozing", handling.snoozing, name="snoozing"),
    path("C-<int:number>/waking", handling.waking, name="waking"),
    path("C-<int:number>/linking", handling.linking, name="linking"),
    path("C-<int:number>/linking/undo", handling.unlinking, name="unlinking"),
    path("C-<int:number>/moving", handling.moving, name="moving"),
    path("C-<int:number>/watching", together.watching, name="watching"),
    path("C-<int:number>/watchers", together.watchers, name="watchers"),
    path("C-<int:number>/questions", together.asking, name="asking"),
    path("C-<int:number>/questions/<uuid:question_id>/answer", together.answering, name="answering"),
    path("C-<int:number>/questions/<uuid:question_id>/close", together.closing, name="closing"),
    path("C-<int:number>/files/<uuid:attachment_id>", attachments.download, name="attachment"),
    path("C-<int:number>/files/<uuid:attachment_id>/picture", attachments.picture, name="picture"),
    path("C-<int:number>/messages/<uuid:message_id>", case.send_once_more, name="send_once_more"),
]

notices = [
    path("", notice_views.listed, name="list"),
    path("read", notice_views.read_all, name="read_all"),
    path("by-mail", notice_views.by_mail, name="by_mail"),
    path("<uuid:notice_id>/", notice_views.opened, name="opened"),
]

service_levels = [
    path("", levels.all_levels, name="all"),
    path("calendars/new", levels.calendar, name="new_calendar"),
    path("calendars/<int:level_id>/", levels.calendar, name="calendar"),
    path("calendars/<int:level_id>/delete", levels.delete_calendar, name="delete_calendar"),
    path("targets/new", levels.target, name="new_target"),
    path("targets/<int:level_id>/", levels.target, name="target"),
    path("targets/<int:level_id>/delete", levels.delete_target, name="delete_target"),
    path("escalations/new", levels.escalation, name="new_escalation"),
    path("escalations/<int:level_id>/delete", levels.delete_escalation, name="delete_escalation"),
]

rejects = [
    path("", rejects_views.rejects, name="list"),
    path("export.csv", rejects_views.export, name="export"),
    path("retry", rejects_views.retry, name="retry"),
    path("<uuid:reject_id>/", rejects_views.reject, name="reject"),
    path("<uuid:reject_id>/dismiss", rejects_views.dismiss, name="dismiss"),
]

mails = [
    path("", mail_pages.inbox, name="inbox"),
    path("export.csv", mail_pages.export, name="export"),
    path("in/<str:provider>", mail_handed_in.inbound, name="inbound"),
    path("in/<str:provider>/mime", mail_handed_in.inbound, name="inbound_mime"),  # so Mailgun knows to post whole mails
    path("<uuid:mail_id>/original", mail_pages.original, name="original"),
    path("<uuid:mail_id>/take-in", mail_pages.take_in, name="take_in"),
]

urlpatterns = [
    path("", desk.desk, name="desk"),
    path("due", desk.due, name="due"),
    path("search", desk.search, name="search"),
    path("cases/", include((cases, "cases"))),
    path("commitments/", include("makegood.recover.commitments.urls")),
    path("incidents/", include("makegood.prevent.incidents.urls")),
    path("customers/reach-out/", reach_out.reach_out, name="reach_out"),
    path("customers/reach-out.csv", reach_out.export, name="reach_out_export"),
    path("customers/<uuid:customer_id>/", customers.customer, name="customer"),
    path("customers/<uuid:customer_id>/accounts", customers.choose_account, name="choose_account"),
    path("customers/<uuid:customer_id>/same-person", customers.same_person, name="same_person"),
    path("customers/<uuid:customer_id>/not-same-person", customers.not_same_person, name="not_same_person"),
    path("orders/<uuid:order_id>/", orders.order, name="order"),
    path("orders/<uuid:order_id>/case", orders.open_a_case, name="open_a_case"),
    path("signals/", include("makegood.prevent.signals.urls")),
    path("improvements/", include("makegood.prevent.improvements.urls")),
    path("incidents/I-<int:number>/affected/", include("makegood.prevent.incidents.affected_urls")),
    path("reports/weekly", scorecards.weekly, name="weekly_report"),
    path("reports/weekly/<str:name>", scorecards.file, name="weekly_report_file"),
    path("reports/changed", changed_page.changed, name="what_changed"),
    path("reports/changed.csv", changed_page.changed_file, name="what_changed_file"),
    path("triage/", triage.triage, name="triage"),
    path("outreach/", include("makegood.prevent.outreach.urls")),
    path("offer/<str:token>", offers.offer, name="offer"),
    path("offer/<str:token>/no-more", offers.unwanted, name="no_more"),
    path("outbox/", include("makegood.ground.messages.urls")),
    path("mail/", include((mails, "mail"))),
    path("contact", contact_form.contact, name="contact"),
    path("contact/thanks", contact_form.thanks, name="contact_thanks"),
    path("settings/keys/", staff.api_keys, name="api_keys"),
    path("settings/keys/<uuid:key_id>/rotate", staff.rotate_api_key, name="rotate_api_key"),
    path("settings/keys/<uuid:key_id>/revoke", staff.revoke_api_key, name="revoke_api_key"),
    path("settings/webhooks/", webhooks.endpoints, name="webhooks"),
    path("settings/webhooks/<uuid:endpoint_id>/", webhooks.deliveries, name="webhook"),
    path("settings/webhooks/<uuid:endpoint_id>/rotate", webhooks.rotate, name="rotate_webhook"),
    path("settings/webhooks/<uuid:endpoint_id>/pause", webhooks.pause, name="pause_webhook"),
    path("settings/webhooks/<uuid:endpoint_id>/remove", webhooks.remove, name="remove_webhook"),
    path("settings/webhooks/deliveries/<uuid:delivery_id>/again", webhooks.again, name="resend_webhook"),
    path("service-levels/", include((service_levels, "levels"))),
    path("notices/", include((notices, "notices"))),
    path("api/v1/", api.urls),
    path("rejects/", include((rejects, "rejects"))),
    path("assets/vega-<str:version>.js", vega.script, name="vega"),
    path("standing/<str:token>", customers_own.standing, name="standing"),
    path("healthz", web.healthz, name="healthz"),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

# Who may use views that are not ours. allauth guards each of its own pages.
FOREIGN: dict[str, Access] = {
    "account/": PUBLIC,
    "admin/": Access(permission="staff.administer"),
    "api/": SIGNED_IN,  # each operation names the permission it needs
}
