package main

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

// Queues in which nothing happens: the memory that the waiters take, and the CPU time.
func idle(r request) *answer {
	session(r.Sessions - 1)
	if r.Locks == 0 {
		r.Locks = 1
	}
	path := func(i int) string { return fmt.Sprintf("%s-%d", r.Path, i%r.Locks) }
	heads := make([]*zk.Lock, r.Locks)
	for i := range heads {
		heads[i] = newLock(path(i), i%r.Sessions)
		must(heads[i].Lock())
	}
	// In its favour: what is garbage does not count.
	debug.FreeOSMemory()
	before := residentBytes()
	var done sync.WaitGroup
	for i := 0; i < r.Waiters; i++ {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			lock := newLock(path(i), i%r.Sessions)
			must(lock.Lock())
			must(lock.Unlock())
		}(i)
		// So many requests at a time, no more.
		if i >= 64 {
			awaitLength(path(i-64), (i-64)/r.Locks+2)
		}
	}
	for i := 0; i < r.Locks && r.Waiters >= r.Locks; i++ {
		awaitLength(path(i), r.Waiters/r.Locks+1)
	}
	time.Sleep(time.Second)
	debug.FreeOSMemory()
	a := &answer{RSS: residentBytes() - before, Grants: r.Locks + r.Waiters}
	begin, used := time.Now(), cpuTime()
	time.Sleep(time.Duration(r.Seconds * float64(time.Second)))
	a.IdleCPU, a.IdleElapsed = cpuTime()-used, int64(time.Since(begin))
	for _, head := range heads {
		must(head.Unlock())
	}
	done.Wait()
	return a
}
