from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm

from makegood.ground.staff import leaving
from makegood.ground.staff.models import User


class StaffUserForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Refuses to close the account of somebody who still has something to hand over."""

    def clean_is_active(self) -> bool:
        stays = bool(self.cleaned_data["is_active"])
        if not stays and self.instance.is_active:
            for obstacle in leaving.obstacles(self.instance):
                self.add_error("is_active", obstacle)
        return stays


@admin.register(User)
class StaffUserAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
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
