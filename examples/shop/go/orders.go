package main

import (
	"encoding/json"
	"fmt"
	"strconv"
)

const orderList = 5

// setUpOrders: checkout, order lists, refunds.
func setUpOrders(s *service) {
	s.route("POST /orders", placeOrder)
	s.route("GET /orders", listOrders)
	s.route("GET /orders/:id", showOrder)
	s.route("POST /orders/:id/refund", refundOrder)
	s.route("GET /recent", recentOrders)
}

// reserveAndQuote asks pricing and inventory at the same time.
func reserveAndQuote(c *call, items []item) (total float64, quoted, reserved int) {
	products := make([]int, len(items))
	for at, each := range items {
		products[at] = each.Product
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		reserved, _ = c.http("inventory", "POST", "/reserve", object{"items": items}, 2)
	}()
	status, text := c.http("pricing", "POST", "/quote", object{"products": products}, 0)
	<-done
	var quote struct{ Total float64 }
	if status == 200 && json.Unmarshal(text, &quote) != nil {
		status = 0
	}
	return quote.Total, status, reserved
}

func placeOrder(c *call) (int, any) {
	var wanted struct{ User, Issuer int }
	if json.Unmarshal(c.body, &wanted) != nil {
		return 400, object{"error": "no order"}
	}
	user := strconv.Itoa(wanted.User)
	var cart struct{ Items []item }
	status, text := c.http("carts", "GET", "/carts/"+user, nil, 0)
	if status != 200 || json.Unmarshal(text, &cart) != nil {
		return 502, object{"error": "no cart"}
	}
	if len(cart.Items) == 0 {
		return 409, object{"error": "the cart is empty"}
	}
	amount, quoted, reserved := reserveAndQuote(c, cart.Items)
	if quoted != 200 {
		return 502, object{"error": "no price"}
	}
	if reserved == 409 {
		return 409, object{"error": "sold out"}
	}
	if reserved != 200 {
		return 503, object{"error": "stock does not answer"}
	}
	paid, _ := c.http("payments", "POST", "/charge", object{"amount": amount, "issuer": wanted.Issuer}, 0)
	if paid != 201 {
		c.http("inventory", "POST", "/restock", object{"items": cart.Items}, 0)
		if paid == 402 {
			return 402, object{"error": "declined"}
		}
		return 502, object{"error": "not paid"}
	}
	return storeOrder(c, user, amount, cart.Items)
}

func storeOrder(c *call, user string, amount float64, items []item) (int, any) {
	value, err := c.pipeline([]string{"INCR", "orders:last"})
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	id, lines := fmt.Sprint(value), "[]"
	if text, err := json.Marshal(items); err == nil {
		lines = string(text)
	}
	_, err = c.pipeline(
		[]string{"HSET", "order:" + id, "user", user, "amount", fmt.Sprint(amount), "items", lines},
		[]string{"LPUSH", "orders:" + user, id},
		[]string{"LTRIM", "orders:" + user, "0", "19"},
	)
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	c.http("carts", "DELETE", "/carts/"+user, nil, 0)
	return 201, object{"order": value, "amount": amount}
}

func readOrder(c *call, id string) object {
	value, err := c.pipeline([]string{"HGETALL", "order:" + id})
	flat := texts(value)
	if err != nil || len(flat) == 0 {
		return nil
	}
	order := object{"id": id}
	for at := 0; at+1 < len(flat); at += 2 {
		order[flat[at]] = flat[at+1]
	}
	return order
}

func listOrders(c *call) (int, any) {
	user := c.request.URL.Query().Get("user")
	value, err := c.pipeline([]string{"LRANGE", "orders:" + user, "0", strconv.Itoa(orderList - 1)})
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	orders := []int{}
	for _, text := range texts(value) {
		if id, err := strconv.Atoi(text); err == nil {
			orders = append(orders, id)
		}
	}
	return 200, object{"orders": orders}
}

func showOrder(c *call) (int, any) {
	if order := readOrder(c, c.values["id"]); order != nil {
		return 200, order
	}
	return 404, object{"error": "no such order"}
}

func refundOrder(c *call) (int, any) {
	order := readOrder(c, c.values["id"])
	if order == nil {
		return 404, object{"error": "no such order"}
	}
	amount, _ := strconv.ParseFloat(fmt.Sprint(order["amount"]), 64)
	if paid, _ := c.http("payments", "POST", "/refund", object{"amount": amount}, 0); paid != 200 {
		return 502, object{"error": "not refunded"}
	}
	var items []item
	if json.Unmarshal([]byte(fmt.Sprint(order["items"])), &items) == nil {
		c.http("inventory", "POST", "/restock", object{"items": items}, 0)
	}
	return 200, object{"refunded": order["id"]}
}

func recentOrders(c *call) (int, any) {
	value, err := c.pipeline([]string{"GET", "orders:last"})
	if err != nil {
		return 500, object{"error": err.Error()}
	}
	last, _ := strconv.Atoi(fmt.Sprint(value))
	orders := []object{}
	for id := last; id > 0 && id > last-orderList; id-- {
		if order := readOrder(c, strconv.Itoa(id)); order != nil {
			orders = append(orders, order)
		}
	}
	return 200, object{"orders": orders}
}
