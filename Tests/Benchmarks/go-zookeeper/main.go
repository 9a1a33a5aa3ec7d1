// go-zookeeper's Lock as a contender. Usage: go-zookeeper SESSION-TIMEOUT-MS HOST:PORT...
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

type request struct {
	Workload   string  `json:"workload"`
	Path       string  `json:"path"`
	Sessions   int     `json:"sessions"`
	Locks      int     `json:"locks"`
	Cycles     int     `json:"cycles"`
	Contenders int     `json:"contenders"`
	Grants     int     `json:"grants"`
	Depth      int     `json:"depth"`
	RoundTrips int     `json:"round_trips"`
	SettleMS   int     `json:"settle_ms"`
	Waiters    int     `json:"waiters"`
	Seconds    float64 `json:"seconds"`
}

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

var (
	servers  []string
	timeout  time.Duration
	sessions []*zk.Conn
)

func session(index int) *zk.Conn {
	for len(sessions) <= index {
		server := servers[len(sessions)%len(servers)]
		connection, events, err := zk.Connect([]string{server}, timeout, zk.WithLogger(quiet{}))
		if err != nil {
			panic(err)
		}
		for event := range events {
			if event.State == zk.StateHasSession {
				break
			}
		}
		go func() {
			for range events {
			}
		}()
		sessions = append(sessions, connection)
	}
	return sessions[index]
}

func newLock(path string, index int) *zk.Lock {
	return zk.NewLock(session(index), path, zk.WorldACL(zk.PermAll))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Locks that nobody else wants, over one session.
func cycle(r request) *answer {
	if r.Locks == 0 {
		r.Locks = 1
	}
	paths := make([]string, r.Locks)
	for i := range paths {
		paths[i] = r.Path
		if r.Locks > 1 {
			paths[i] = fmt.Sprintf("%s-%d", r.Path, i)
		}
		lock := newLock(paths[i], 0)
		must(lock.Lock())
		must(lock.Unlock())
	}
	times := make([]int64, r.Locks*r.Cycles)
	var done sync.WaitGroup
	begin := time.Now()
	for i := range paths {
		done.Add(1)
		go func(path string, times []int64) {
			defer done.Done()
			for k := range times {
				start := time.Now()
				lock := newLock(path, 0)
				must(lock.Lock())
				must(lock.Unlock())
				times[k] = int64(time.Since(start))
			}
		}(paths[i], times[i*r.Cycles:(i+1)*r.Cycles])
	}
	done.Wait()
	return &answer{Grants: len(times), Elapsed: int64(time.Since(begin)), Times: times}
}

// Goroutines that all want one lock, again and again.
func contend(r request) *answer {
	log := newGrantLog(r.Contenders, r.Grants)
	session(r.Sessions - 1)
	var done sync.WaitGroup
	begin := time.Now()
	for i := 0; i < r.Contenders; i++ {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			for log.mayBegin() {
				entered := time.Now()
				lock := newLock(r.Path, i%r.Sessions)
				must(lock.Lock())
				log.granted(i, -1, entered)
				log.releases()
				must(lock.Unlock())
			}
		}(i)
	}
	done.Wait()
	return log.answer(time.Since(begin))
}

// A queue that is released as a chain.
func chain(r request) *answer {
	log := newGrantLog(r.Depth+1, r.Depth+1)
	session(r.Sessions - 1)
	head := newLock(r.Path, 0)
	must(head.Lock())
	log.granted(0, 0, time.Now())
	var done sync.WaitGroup
	for i := 1; i <= r.Depth; i++ {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			entered := time.Now()
			lock := newLock(r.Path, i%r.Sessions)
			must(lock.Lock())
			log.granted(i, i, entered)
			for trip := 0; trip < r.RoundTrips; trip++ {
				_, _, err := session(i % r.Sessions).Exists(r.Path)
				must(err)
			}
			log.releases()
			must(lock.Unlock())
		}(i)
		// One by one, so that the order is known.
		awaitLength(r.Path, i+1)
	}
	time.Sleep(time.Duration(r.SettleMS) * time.Millisecond)
	begin := time.Now()
	log.releases()
	must(head.Unlock())
	done.Wait()
	return log.answer(time.Since(begin))
}

func awaitLength(path string, length int) {
	for {
		_, stat, err := session(0).Exists(path)
		must(err)
		if int(stat.NumChildren) >= length {
			return
		}
	}
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[1])
	must(err)
	timeout, servers = time.Duration(milliseconds)*time.Millisecond, os.Args[2:]
	requests := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for requests.Scan() {
		r := request{SettleMS: 300, Sessions: 8}
		must(json.Unmarshal(requests.Bytes(), &r))
		var a *answer
		switch r.Workload {
		case "cycle":
			a = cycle(r)
		case "contend":
			a = contend(r)
		case "chain":
			a = chain(r)
		case "idle":
			a = idle(r)
		case "hold", "wait":
			must(newLock(r.Path, 0).Lock())
			a = &answer{Grants: 1}
		default:
			a = &answer{Error: "no such workload here"}
		}
		must(answers.Encode(a))
	}
}
