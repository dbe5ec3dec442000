from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from makegood.ground.staff import leaving
from makegood.ground.staff.models import Role, User

admin.site.site_header = admin.site.site_title = _("Makegood")
admin.site.index_title = _("People, queues and reasons")


class ByRole(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when Django runs
    """Open to whose role administers, not by Django's model permissions. Nothing is deleted: history speaks of it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("staff.administer")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  as Django calls it
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  as Django calls it
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  as Django calls it
        return False


class StaffUserForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Refuses to close the account of somebody who still has something to hand over."""

    def clean_is_active(self) -> bool:
        stays = bool(self.cleaned_data["is_active"])
        if not stays and self.instance.is_active:
            for obstacle in leaving.obstacles(self.instance):
                self.add_error("is_active", obstacle)
        return stays


@admin.register(User)
class StaffUserAdmin(ByRole, UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Staff accounts: role and places are what matters, Django's own groups are not used."""

    form = StaffUserForm
    list_display = ("username", "display_name", "role", "is_active")
    list_filter = ("role", "is_active")
    filter_horizontal = ("places",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone", "language", "notices_by_mail")}),
        ("Work", {"fields": ("role", "places", "skills", "case_cap", "is_active")}),
    )
    add_fieldsets = (
        *UserAdmin.add_fieldsets,
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Work", {"fields": ("role", "places")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: bool) -> None:
        """Who administers may come here; Django asks a column of its own for that."""
        obj.is_staff = obj.role == Role.ADMINISTRATOR
        super().save_model(request, obj, form, change)
