package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const retryWait = 15 * time.Millisecond

type place struct {
	BindHost string `json:"bindHost"`
	BindPort int    `json:"bindPort"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
}

type config struct {
	Seed        uint32           `json:"seed"`
	TruthFolder string           `json:"truthFolder"`
	Places      map[string]place `json:"places"`
}

// service is what every Go service of the shop stands on: routes, calls to others, the truth about both.
// It writes "ready" when it listens, "idle N" when nothing is in flight, and ends with its standard input.
type service struct {
	name     string
	config   config
	truth    *truthLog
	redis    redisPool
	client   *http.Client
	routes   []route
	busy     atomic.Int64
	served   atomic.Int64
	chances  *rand.Rand
	lock     sync.Mutex
	ordinals map[net.Conn]int
}

type route struct {
	method   string
	segments []string
	handler  func(*call) (int, any)
}

// call is one incoming request and what a handler may do on its behalf.
type call struct {
	service *service
	cause   *cause
	values  map[string]string
	request *http.Request
	body    []byte
}

// object is a JSON object of an answer.
type object map[string]any

func newService(name, configFile string) (*service, error) {
	text, err := os.ReadFile(configFile)
	if err != nil {
		return nil, err
	}
	made := &service{name: name, ordinals: map[net.Conn]int{}}
	if err := json.Unmarshal(text, &made.config); err != nil {
		return nil, err
	}
	if made.truth, err = openTruth(made.config.TruthFolder, name); err != nil {
		return nil, err
	}
	made.redis.address = addressOf(made.config.Places["redis"])
	made.chances = rand.New(rand.NewSource(int64(made.config.Seed) + int64(len(name))))
	made.client = &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, DialContext: made.dial},
	}
	return made, nil
}

// dial opens a connection whose ordinals are forgotten when it closes.
func (s *service) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	opened, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: opened, service: s}, nil
}

type countedConn struct {
	net.Conn
	service *service
}

func (c *countedConn) Close() error {
	c.service.lock.Lock()
	delete(c.service.ordinals, c)
	c.service.lock.Unlock()
	return c.Conn.Close()
}

func addressOf(at place) string {
	return fmt.Sprintf("%s:%d", at.Host, at.Port)
}

func (s *service) chance() float64 {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.chances.Float64()
}

func (s *service) route(pattern string, handler func(*call) (int, any)) {
	method, path, _ := strings.Cut(pattern, " ")
	s.routes = append(s.routes, route{method, strings.Split(path, "/"), handler})
}

// work takes about this many milliseconds, as a disk or a database would.
func (c *call) work(milliseconds float64) {
	share := 0.6 + 0.8*c.service.chance()
	time.Sleep(time.Duration(milliseconds * share * float64(time.Millisecond)))
}

// pipeline sends commands in one write and returns the last answer.
func (c *call) pipeline(commands ...[]string) (any, error) {
	s := c.service
	connection, err := s.redis.take()
	if err != nil {
		return nil, err
	}
	start := nowMicros()
	if _, err := connection.socket.Write([]byte(encodeCommands(commands))); err != nil {
		return nil, err
	}
	var value any
	for _, words := range commands {
		if value, err = connection.receive(); err != nil {
			connection.socket.Close()
			return nil, err
		}
		connection.ordinal++
		line := event{T: "out", Service: s.name, Protocol: "redis", To: "redis", Status: 200, Attempt: 1}
		line.Local, line.Peer = connection.socket.LocalAddr().String(), connection.socket.RemoteAddr().String()
		line.N, line.Method, line.Cause = connection.ordinal, words[0], c.cause
		if len(words) > 1 {
			line.Path = words[1]
		}
		line.Start, line.End = start, nowMicros()
		s.truth.write(line)
	}
	s.redis.give(connection)
	if failed, is := value.(error); is {
		return nil, failed
	}
	return value, nil
}

// http sends one request, again after a failure as often as `retries` says; status 0: no answer came.
func (c *call) http(to, method, path string, value any, retries int) (int, []byte) {
	for attempt := 1; ; attempt++ {
		status, text := c.httpOnce(to, method, path, value, attempt)
		if (status != 0 && status < 500) || attempt > retries {
			return status, text
		}
		time.Sleep(retryWait)
	}
}

func (c *call) httpOnce(to, method, path string, value any, attempt int) (int, []byte) {
	s := c.service
	line := event{T: "out", Service: s.name, Protocol: "http", To: to, Method: method, Path: path}
	line.Attempt, line.Cause, line.Start = attempt, c.cause, nowMicros()
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		s.lock.Lock()
		s.ordinals[got.Conn]++
		line.N = s.ordinals[got.Conn]
		s.lock.Unlock()
		line.Local, line.Peer = got.Conn.LocalAddr().String(), got.Conn.RemoteAddr().String()
	}}
	var body io.Reader
	if value != nil {
		text, err := json.Marshal(value)
		if err != nil {
			return 0, nil
		}
		body = bytes.NewReader(text)
	}
	url := "http://" + addressOf(s.config.Places[to]) + path
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, nil
	}
	if value != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.client.Do(request.WithContext(httptrace.WithClientTrace(context.Background(), trace)))
	var text []byte
	if err == nil {
		text, err = io.ReadAll(response.Body)
		response.Body.Close()
		line.Status = response.StatusCode
	}
	if err != nil {
		line.Status = 0
	}
	line.End = nowMicros()
	if line.N > 0 {
		s.truth.write(line)
	}
	return line.Status, text
}

type connectionKey struct{}

type incoming struct {
	local, peer string
	n           int
}

func (s *service) find(request *http.Request) (func(*call) (int, any), map[string]string) {
	segments := strings.Split(request.URL.Path, "/")
	for _, candidate := range s.routes {
		if candidate.method != request.Method || len(candidate.segments) != len(segments) {
			continue
		}
		values, fits := map[string]string{}, true
		for at, part := range candidate.segments {
			if strings.HasPrefix(part, ":") {
				values[part[1:]] = segments[at]
			} else if part != segments[at] {
				fits = false
			}
		}
		if fits {
			return candidate.handler, values
		}
	}
	return nil, nil
}

// ServeHTTP serves one request; a connection carries one at a time, so its counter needs no lock.
func (s *service) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	s.busy.Add(1)
	defer s.busy.Add(-1)
	defer s.served.Add(1)
	start := nowMicros()
	connection := request.Context().Value(connectionKey{}).(*incoming)
	connection.n++
	because := &cause{connection.local, connection.peer, connection.n}
	body, _ := io.ReadAll(http.MaxBytesReader(writer, request.Body, 1<<20))
	status, value := http.StatusNotFound, any(object{"error": "no such page"})
	if handler, values := s.find(request); handler != nil {
		status, value = handler(&call{s, because, values, request, body})
	}
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"answer"}`)
	}
	line := event{T: "in", Service: s.name, Protocol: "http", Status: status, Start: start, End: nowMicros()}
	line.Local, line.Peer, line.N = because.Local, because.Peer, because.N
	line.Method, line.Path = request.Method, request.RequestURI
	s.truth.write(line)
	writer.Header().Set("Content-Type", "application/json")
	writer.Header().Set("Content-Length", fmt.Sprint(len(text)))
	writer.WriteHeader(status)
	writer.Write(text)
}

// obey follows the launcher's orders; when its pipe ends, so does the service.
func (s *service) obey() {
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if orders.Text() != "drain" {
			continue
		}
		for s.busy.Load() > 0 {
			time.Sleep(5 * time.Millisecond)
		}
		s.truth.flush()
		fmt.Printf("idle %d\n", s.served.Load())
	}
	s.truth.flush()
	os.Exit(0)
}

func (s *service) run() error {
	at := s.config.Places[s.name]
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", at.BindHost, at.BindPort))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			known := &incoming{local: conn.LocalAddr().String(), peer: conn.RemoteAddr().String()}
			return context.WithValue(ctx, connectionKey{}, known)
		},
	}
	go s.obey()
	fmt.Println("ready")
	return server.Serve(listener)
}
