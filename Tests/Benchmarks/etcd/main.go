// etcd's concurrency.Mutex as a contender. Usage: etcd SESSION-TIMEOUT-MS HOST:PORT...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/clientv3/concurrency"
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

var (
	background = context.Background()
	servers    []string
	ttl        int
	clients    []*clientv3.Client
	leases     = map[int]*concurrency.Session{}
)

// A connection. What is a session in ZooKeeper is a connection and a lease here.
func client(index int) *clientv3.Client {
	for len(clients) <= index {
		server := servers[len(clients)%len(servers)]
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{server}, DialTimeout: 10 * time.Second})
		must(err)
		clients = append(clients, c)
	}
	return clients[index]
}

// A mutex's key is made of its lease, so contenders for one lock need a lease each.
func lease(contender, connections int) *concurrency.Session {
	if leases[contender] == nil {
		session, err := concurrency.NewSession(client(contender%connections), concurrency.WithTTL(ttl))
		must(err)
		leases[contender] = session
	}
	return leases[contender]
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
	session := lease(0, 1)
	times := make([]int64, r.Locks*r.Cycles)
	var done sync.WaitGroup
	begin := time.Now()
	for i := 0; i < r.Locks; i++ {
		done.Add(1)
		go func(path string, times []int64) {
			defer done.Done()
			for k := range times {
				start := time.Now()
				mutex := concurrency.NewMutex(session, path)
				must(mutex.Lock(background))
				must(mutex.Unlock(background))
				times[k] = int64(time.Since(start))
			}
		}(fmt.Sprintf("%s-%d", r.Path, i), times[i*r.Cycles:(i+1)*r.Cycles])
	}
	done.Wait()
	return &answer{Grants: len(times), Elapsed: int64(time.Since(begin)), Times: times}
}

// Goroutines that all want one lock, again and again.
func contend(r request) *answer {
	log := newGrantLog(r.Contenders, r.Grants)
	for i := 0; i < r.Contenders; i++ {
		lease(i, r.Sessions)
	}
	var done sync.WaitGroup
	begin := time.Now()
	for i := 0; i < r.Contenders; i++ {
		done.Add(1)
		go func(i int, session *concurrency.Session) {
			defer done.Done()
			for log.mayBegin() {
				entered := time.Now()
				mutex := concurrency.NewMutex(session, r.Path)
				must(mutex.Lock(background))
				log.granted(i, -1, entered)
				log.releases()
				must(mutex.Unlock(background))
			}
		}(i, lease(i, r.Sessions))
	}
	done.Wait()
	return log.answer(time.Since(begin))
}

// A queue that is released as a chain.
func chain(r request) *answer {
	log := newGrantLog(r.Depth+1, r.Depth+1)
	for i := 0; i <= r.Depth; i++ {
		lease(i, r.Sessions)
	}
	head := concurrency.NewMutex(lease(0, r.Sessions), r.Path)
	must(head.Lock(background))
	log.granted(0, 0, time.Now())
	var done sync.WaitGroup
	for i := 1; i <= r.Depth; i++ {
		done.Add(1)
		go func(i int, session *concurrency.Session) {
			defer done.Done()
			entered := time.Now()
			mutex := concurrency.NewMutex(session, r.Path)
			must(mutex.Lock(background))
			log.granted(i, i, entered)
			for trip := 0; trip < r.RoundTrips; trip++ {
				_, err := session.Client().Get(background, r.Path)
				must(err)
			}
			log.releases()
			must(mutex.Unlock(background))
		}(i, lease(i, r.Sessions))
		// One by one, so that the order is known.
		awaitLength(r.Path, i+1)
	}
	time.Sleep(time.Duration(r.SettleMS) * time.Millisecond)
	begin := time.Now()
	log.releases()
	must(head.Unlock(background))
	done.Wait()
	return log.answer(time.Since(begin))
}

func awaitLength(path string, length int) {
	for {
		found, err := client(0).Get(background, path+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		must(err)
		if int(found.Count) >= length {
			return
		}
	}
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[1])
	must(err)
	ttl, servers = milliseconds/1000, os.Args[2:]
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
			must(concurrency.NewMutex(lease(0, 1), r.Path).Lock(background))
			a = &answer{Grants: 1}
		default:
			a = &answer{Error: "no such workload here"}
		}
		must(answers.Encode(a))
	}
}
