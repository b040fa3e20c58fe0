"""The catalogue: products and search, with a cache in Redis, served by a pool of 16 threads."""

import json
import os

from shoplib import Answer, Service

THREADS = 16
PAGE = 50
FLAKY_SHARE = 0.05

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "words.json")) as file:
    WORDS = json.load(file)


def make_products():
    adjectives, nouns, categories = WORDS["adjectives"], WORDS["nouns"], WORDS["categories"]
    products = []
    for at in range(len(adjectives) * len(nouns)):
        adjective, noun = adjectives[at % len(adjectives)], nouns[at // len(adjectives)]
        category = categories[at % len(categories)]
        text = " ".join([f"A {adjective} {noun} for the {category}."] * 3)
        products.append({"id": at + 1, "name": f"{adjective} {noun}", "category": category, "text": text})
    return products


PRODUCTS = make_products()


def brief(products):
    return [{"id": product["id"], "name": product["name"]} for product in products]


def cached(call, key, seconds, make):
    kept = call.redis("GET", key)
    if kept is not None:
        return json.loads(kept)
    made = make()
    call.redis("SET", key, json.dumps(made), "EX", seconds)
    return made


def show(call):
    number = int(call.values["id"])
    if not 1 <= number <= len(PRODUCTS):
        return Answer(404, {"error": "no such product"})

    def make():
        call.work(8)
        return PRODUCTS[number - 1]

    return cached(call, f"product:{number}", 4, make)


def featured(call):
    def make():
        call.work(15)
        return {"products": brief(PRODUCTS[:5])}

    return cached(call, "featured", 2, make)


def search(call):
    word = call.query.get("q", "")
    if word in WORDS["brokenWords"]:
        return Answer(500, {"error": "cannot parse the query"})
    if call.service.chance() < FLAKY_SHARE:
        return Answer(503, {"error": "index is busy"})

    def make():
        call.work(220 if word in WORDS["slowWords"] else 12)
        return {"products": brief([product for product in PRODUCTS if word in product["name"]][:8])}

    return cached(call, f"search:{word}", 3, make)


def listing(call):
    start = (int(call.query.get("page", "1")) - 1) * PAGE
    call.work(10)
    return {"products": brief(PRODUCTS[start : start + PAGE])}


def forget(call):
    return {"gone": call.redis("DEL", f"product:{call.values['id']}")}


service = Service(THREADS)
service.route("GET /products/:id", show)
service.route("GET /featured", featured)
service.route("GET /search", search)
service.route("GET /categories", lambda call: {"categories": WORDS["categories"]})
service.route("GET /products", listing)
service.route("DELETE /cache/:id", forget)
service.run()
