package main

import (
	"sync"
	"time"
)

type answer struct {
	Error       string  `json:"error,omitempty"`
	Grants      int     `json:"grants"`
	Overlaps    int     `json:"overlaps"`
	OutOfOrder  int     `json:"out_of_order"`
	Elapsed     int64   `json:"elapsed_ns"`
	LongestWait int64   `json:"longest_wait_ns"`
	Fewest      int     `json:"fewest"`
	Most        int     `json:"most"`
	Times       []int64 `json:"times_ns"`
	RSS         int64   `json:"rss_bytes"`
	IdleCPU     int64   `json:"idle_cpu_ns"`
	IdleElapsed int64   `json:"idle_elapsed_ns"`
}

// Who was granted the lock, in what order, and how long after the release before.
type grantLog struct {
	mutex       sync.Mutex
	begun       int
	limit       int
	isHeld      bool
	releasedAt  time.Time
	result      answer
	byContender []int
}

func newGrantLog(contenders, limit int) *grantLog {
	return &grantLog{limit: limit, byContender: make([]int, contenders)}
}

func (l *grantLog) mayBegin() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.begun++
	return l.begun <= l.limit
}

// The turn is the place in the queue, or -1 where it is not known.
func (l *grantLog) granted(contender, turn int, entered time.Time) {
	now := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.isHeld {
		l.result.Overlaps++
	}
	if turn >= 0 && turn != l.result.Grants {
		l.result.OutOfOrder++
	}
	l.isHeld = true
	l.result.Grants++
	l.byContender[contender]++
	if wait := int64(now.Sub(entered)); wait > l.result.LongestWait {
		l.result.LongestWait = wait
	}
	if !l.releasedAt.IsZero() {
		l.result.Times = append(l.result.Times, int64(now.Sub(l.releasedAt)))
	}
}

func (l *grantLog) releases() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.isHeld = false
	l.releasedAt = time.Now()
}

func (l *grantLog) answer(elapsed time.Duration) *answer {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	a := l.result
	a.Elapsed = int64(elapsed)
	a.Fewest = l.byContender[0]
	for _, count := range l.byContender {
		if count < a.Fewest {
			a.Fewest = count
		}
		if count > a.Most {
			a.Most = count
		}
	}
	return &a
}
