from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from makegood.ground.staff.models import User


@admin.register(User)
class StaffUserAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Staff accounts: role and places are what matters, Django's own groups are not used."""

    list_display = ("username", "display_name", "role", "is_active")
    list_filter = ("role", "is_active")
    filter_horizontal = ("places",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone", "notices_by_mail")}),
        ("Work", {"fields": ("role", "places", "is_active")}),
    )
