package main

import (
	"encoding/json"
	"fmt"
	"strconv"
)

const cartKeepSeconds = "600"

// item is one line of a cart or an order.
type item struct {
	Product  int `json:"product"`
	Quantity int `json:"quantity"`
}

// setUpCarts: one hash in Redis for each user's cart.
func setUpCarts(s *service) {
	s.route("GET /carts/:user", showCart)
	s.route("POST /carts/:user/items", addToCart)
	s.route("DELETE /carts/:user", emptyCart)
}

// strings of a Redis array; empty when it is none.
func texts(value any) []string {
	list, _ := value.([]any)
	found := make([]string, 0, len(list))
	for _, element := range list {
		found = append(found, fmt.Sprint(element))
	}
	return found
}

func showCart(c *call) (int, any) {
	value, err := c.pipeline([]string{"HGETALL", "cart:" + c.values["user"]})
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	flat, items := texts(value), []item{}
	for at := 0; at+1 < len(flat); at += 2 {
		product, _ := strconv.Atoi(flat[at])
		quantity, _ := strconv.Atoi(flat[at+1])
		items = append(items, item{product, quantity})
	}
	return 200, object{"items": items}
}

func addToCart(c *call) (int, any) {
	var wanted item
	if json.Unmarshal(c.body, &wanted) != nil || wanted.Product <= 0 || wanted.Quantity <= 0 {
		return 400, object{"error": "what, and how many?"}
	}
	status, text := c.http("inventory", "GET", fmt.Sprintf("/stock/%d", wanted.Product), nil, 0)
	if status == 404 {
		return 404, object{"error": "no such product"}
	}
	var known struct{ Stock int }
	if status != 200 || json.Unmarshal(text, &known) != nil {
		return 502, object{"error": "no answer about stock"}
	}
	if known.Stock < wanted.Quantity {
		return 409, object{"error": "not that many left"}
	}
	key, product := "cart:"+c.values["user"], strconv.Itoa(wanted.Product)
	_, err := c.pipeline(
		[]string{"MULTI"},
		[]string{"HINCRBY", key, product, strconv.Itoa(wanted.Quantity)},
		[]string{"EXPIRE", key, cartKeepSeconds},
		[]string{"EXEC"},
	)
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	return 201, object{"added": wanted.Product}
}

func emptyCart(c *call) (int, any) {
	if _, err := c.pipeline([]string{"DEL", "cart:" + c.values["user"]}); err != nil {
		return 500, object{"error": err.Error()}
	}
	return 200, object{"emptied": true}
}
