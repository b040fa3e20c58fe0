"""Reports for the back office, and for nobody else: stock, and an export page by page."""

import threading

from shoplib import Answer, Service

THREADS = 4
PAGES = 3


def stock_report(call):
    found = {}

    def ask(to, path, retries):
        found[to] = call.http(to, "GET", path, retries=retries)

    threads = [
        threading.Thread(target=ask, args=("catalogue", "/categories", 0)),
        threading.Thread(target=ask, args=("inventory", "/levels", 1)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(status != 200 for status, _ in found.values()):
        return Answer(502, {"error": "incomplete"})
    return {"categories": found["catalogue"][1]["categories"], "levels": found["inventory"][1]["levels"]}


def export_all(call):
    rows = []
    for page in range(1, PAGES + 1):
        status, value = call.http("catalogue", "GET", f"/products?page={page}")
        rows += value["products"] if status == 200 else []
        call.work(40)
    status, value = call.http("orders", "GET", "/recent")
    return {"rows": rows, "orders": value["orders"] if status == 200 else []}


service = Service(THREADS)
service.route("GET /stock-report", stock_report)
service.route("GET /export", export_all)
service.run()
