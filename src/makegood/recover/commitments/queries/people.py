"""Who leads where: whom to tell when a promise comes due."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from makegood.ground.retail.models import Place
from makegood.ground.staff.models import Role, User


class Leaders(NamedTuple):
    """Managers by the places that were given to them; those without places lead the whole company."""

    of_place: Mapping[uuid.UUID, Sequence[User]]
    of_company: Sequence[User]
    parent_of: Mapping[uuid.UUID, uuid.UUID | None]

    @classmethod
    def read(cls) -> "Leaders":
        """Three SQL queries, however many promises are told of afterwards."""
        of_place: dict[uuid.UUID, list[User]] = defaultdict(list)
        of_company = []
        for user in (
            User.objects.filter(role=Role.MANAGER, is_active=True).prefetch_related("places").order_by("username")
        ):
            places = user.places.all()
            for place in places:
                of_place[place.pk].append(user)
            if not places:
                of_company.append(user)
        return cls(of_place, of_company, dict(Place.objects.values_list("pk", "parent_id")))

    def nearest(self, place_id: uuid.UUID | None) -> Sequence[User]:
        """Who leads the team: the managers of the place, else of the nearest one above, else of the company."""
        while place_id:
            if here := self.of_place.get(place_id):
                return here
            place_id = self.parent_of.get(place_id)
        return self.of_company

    def all_above(self, place_id: uuid.UUID | None) -> list[User]:
        """Every manager who answers for the place, up to the whole company."""
        found = list(self.of_company)
        while place_id:
            found += self.of_place.get(place_id, [])
            place_id = self.parent_of.get(place_id)
        return found
