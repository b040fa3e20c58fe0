"""Tells how risky a payment is. Some card issuers answer slowly: three hops below a checkout."""

from shoplib import Service

THREADS = 8
SLOW_MS = 550


def assess(call):
    amount, issuer = call.body.get("amount", 0), call.body.get("issuer", 0)
    slow = issuer in call.service.config["slowIssuers"]
    call.work(SLOW_MS if slow else 6)
    return {"risk": ((issuer * 7 + round(amount)) % 100) / 100}


service = Service(THREADS)
service.route("POST /assess", assess)
service.run()
