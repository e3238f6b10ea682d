"""Becoming the user that an application shall run as, before any of its code is imported."""

import os

from labcoat.target import CannotLoad


def become(user, group):
    """For good: nothing of the supervisor's rights is left. Empty words change nothing."""
    if not user and not group:
        return
    account = _account(user) if user else None
    gid = _group_number(group) if group else account.pw_gid
    uid = account.pw_uid if account else os.geteuid()
    if uid == os.geteuid() and gid == os.getegid():
        return
    try:
        if account:
            os.initgroups(account.pw_name, gid)
        else:
            os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError:
        wish = " and ".join([f"user {user!r}"] * bool(user) + [f"group {group!r}"] * bool(group))
        raise CannotLoad(f"cannot become {wish}: only root can; start labcoat as root, or leave it out") from None
    if account:
        os.environ.update(HOME=account.pw_dir, USER=account.pw_name, LOGNAME=account.pw_name)


def _account(user):
    import pwd

    try:
        return pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        raise CannotLoad(f"this machine has no user {user!r}") from None


def _group_number(group):
    import grp

    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise CannotLoad(f"this machine has no group {group!r}") from None
