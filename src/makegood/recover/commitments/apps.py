from django.apps import AppConfig


class CommitmentsConfig(AppConfig):
    name = "makegood.recover.commitments"
    label = "commitments"
    verbose_name = "Commitments"

    def ready(self) -> None:
        """Join in on the case page, on what is said there, and on colleagues who leave."""
        from makegood.ground.staff import leaving  # noqa: PLC0415  models are loaded only now
        from makegood.recover.cases import extensions  # noqa: PLC0415
        from makegood.recover.commitments import panel  # noqa: PLC0415
        from makegood.recover.commitments.macro_action import PROMISE  # noqa: PLC0415  models are loaded only now
        from makegood.recover.commitments.services import finding, moving  # noqa: PLC0415

        extensions.panels.append(extensions.Panel(position=10, template="commitments/_panel.html", context=panel.shown))
        extensions.said.append(finding.find_in_words)
        extensions.said_at_once.append(finding.find_in_many)
        extensions.before_reply.append(finding.contradictions)
        extensions.told["commitment"] = panel.told
        extensions.news["commitment"] = panel.news
        extensions.actions["promise"] = PROMISE
        extensions.merging.append(moving.follow_merge)
        extensions.parting.append(moving.follow_parting)
        leaving.before.append(moving.what_is_left)
