package main

import (
	"encoding/json"
	"strconv"
	"sync"
)

const (
	productCount = 204
	busyShare    = 0.08
	refillBelow  = 10
	refillBy     = 150
)

// shelf is what is in stock, in memory: Redis has no part in it.
type shelf struct {
	lock  sync.Mutex
	stock [productCount + 1]int
}

// setUpInventory: stock of each product; a share of reservations fails for a moment and is tried again.
func setUpInventory(s *service) {
	held := &shelf{}
	for id := range held.stock {
		held.stock[id] = 40 + (id*11)%160
	}
	s.route("GET /stock/:id", held.show)
	s.route("POST /reserve", held.reserve)
	s.route("POST /restock", held.restock)
	s.route("GET /levels", held.levels)
}

func (h *shelf) show(c *call) (int, any) {
	id, err := strconv.Atoi(c.values["id"])
	c.work(1)
	if err != nil || id < 1 || id > productCount {
		return 404, object{"error": "no such product"}
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	return 200, object{"id": id, "stock": h.stock[id]}
}

func itemsOf(c *call) []item {
	var wanted struct{ Items []item }
	if json.Unmarshal(c.body, &wanted) != nil {
		return nil
	}
	for _, each := range wanted.Items {
		if each.Product < 1 || each.Product > productCount {
			return nil
		}
	}
	return wanted.Items
}

func (h *shelf) reserve(c *call) (int, any) {
	if c.service.chance() < busyShare {
		return 503, object{"error": "stock is being counted"}
	}
	c.work(3)
	items := itemsOf(c)
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, each := range items {
		if h.stock[each.Product] < each.Quantity {
			return 409, object{"error": "sold out"}
		}
	}
	for _, each := range items {
		h.stock[each.Product] -= each.Quantity
		if h.stock[each.Product] < refillBelow {
			h.stock[each.Product] += refillBy
		}
	}
	return 200, object{"reserved": len(items)}
}

func (h *shelf) restock(c *call) (int, any) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, each := range itemsOf(c) {
		h.stock[each.Product] += each.Quantity
	}
	return 200, object{"ok": true}
}

func (h *shelf) levels(c *call) (int, any) {
	c.work(25)
	h.lock.Lock()
	defer h.lock.Unlock()
	return 200, object{"levels": h.stock[1:]}
}
