// The Go services of the shop: carts, orders and inventory, one program started once for each.
// Usage: shop NAME CONFIG. Standard library only.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: shop NAME CONFIG")
		os.Exit(2)
	}
	setups := map[string]func(*service){"carts": setUpCarts, "orders": setUpOrders, "inventory": setUpInventory}
	setUp := setups[os.Args[1]]
	if setUp == nil {
		fmt.Fprintf(os.Stderr, "no service is named %s\n", os.Args[1])
		os.Exit(2)
	}
	made, err := newService(os.Args[1], os.Args[2])
	if err == nil {
		setUp(made)
		err = made.run()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
