package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// cause names an incoming call: this end, the other end, the ordinal on the connection. A job has a name.
type cause struct {
	Local string `json:"local,omitempty"`
	Peer  string `json:"peer,omitempty"`
	N     int    `json:"n,omitempty"`
}

// event is one line of the truth; the format is told in node/truth-log.mjs.
type event struct {
	T        string `json:"t"`
	Service  string `json:"service"`
	Protocol string `json:"protocol"`
	To       string `json:"to,omitempty"`
	Local    string `json:"local"`
	Peer     string `json:"peer"`
	N        int    `json:"n"`
	Method   string `json:"method"`
	Path     string `json:"path"`
	Status   int    `json:"status"`
	Attempt  int    `json:"attempt,omitempty"`
	Cause    *cause `json:"cause,omitempty"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
}

// truthLog writes the truth of this process to a file of its own; without a folder it writes nothing.
type truthLog struct {
	lock   sync.Mutex
	file   *os.File
	buffer *bufio.Writer
}

func openTruth(folder, service string) (*truthLog, error) {
	if folder == "" {
		return &truthLog{}, nil
	}
	name := filepath.Join(folder, service+".ndjson")
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &truthLog{file: file, buffer: bufio.NewWriter(file)}, nil
}

func (log *truthLog) write(line event) {
	if log.file == nil {
		return
	}
	text, err := json.Marshal(line)
	if err != nil {
		return
	}
	log.lock.Lock()
	log.buffer.Write(append(text, '\n'))
	log.lock.Unlock()
}

func (log *truthLog) flush() {
	if log.file == nil {
		return
	}
	log.lock.Lock()
	log.buffer.Flush()
	log.lock.Unlock()
}

func nowMicros() int64 {
	return time.Now().UnixMicro()
}
