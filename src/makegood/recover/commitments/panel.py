def shown(case, user, now):
    return {}
