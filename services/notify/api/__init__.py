"""The HTTP face of notify: thin routes that check role and area, open a work, and call a verb."""

from services.notify.api import desk, line, messages, ratings, reports, sms

routers = [line.router, sms.router, messages.router, desk.router, ratings.router, reports.router]
