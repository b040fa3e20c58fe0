package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// redisConnection is one connection that speaks RESP2 and counts its commands.
type redisConnection struct {
	socket  net.Conn
	reader  *bufio.Reader
	ordinal int
}

// redisPool keeps idle connections; the last one given back is taken first.
type redisPool struct {
	lock    sync.Mutex
	idle    []*redisConnection
	address string
}

func (pool *redisPool) take() (*redisConnection, error) {
	pool.lock.Lock()
	if last := len(pool.idle) - 1; last >= 0 {
		taken := pool.idle[last]
		pool.idle = pool.idle[:last]
		pool.lock.Unlock()
		return taken, nil
	}
	pool.lock.Unlock()
	socket, err := net.Dial("tcp", pool.address)
	if err != nil {
		return nil, err
	}
	return &redisConnection{socket: socket, reader: bufio.NewReader(socket)}, nil
}

func (pool *redisPool) give(connection *redisConnection) {
	pool.lock.Lock()
	pool.idle = append(pool.idle, connection)
	pool.lock.Unlock()
}

func encodeCommands(commands [][]string) string {
	var text strings.Builder
	for _, words := range commands {
		fmt.Fprintf(&text, "*%d\r\n", len(words))
		for _, word := range words {
			fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	return text.String()
}

// receive reads one answer: string, int, nil, []any; a Redis error is told as an error value in `any`.
func (connection *redisConnection) receive() (any, error) {
	line, err := connection.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errors.New("redis: short line")
	}
	rest := line[1 : len(line)-2]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return errors.New(rest), nil
	}
	number, err := strconv.Atoi(rest)
	if err != nil || line[0] == ':' {
		return number, err
	}
	if number < 0 {
		return nil, nil
	}
	if line[0] == '$' {
		bytes := make([]byte, number+2)
		_, err := io.ReadFull(connection.reader, bytes)
		return string(bytes[:number]), err
	}
	values := make([]any, number)
	for at := range values {
		if values[at], err = connection.receive(); err != nil {
			return nil, err
		}
	}
	return values, nil
}
