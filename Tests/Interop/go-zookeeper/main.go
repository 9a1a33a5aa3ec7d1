// go-zookeeper's Lock as a worker; ../README.md tells how one is started and what it does.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

const (
	sessionTimeout = 10 * time.Second
	sessionCount   = 2
	lockRecipe     = "lock"
	holdUntilTold  = "-"
	anyVersion     = -1
)

type worker struct {
	name, path, counter, hold string
	witness                   *os.File
	orders                    *bufio.Reader
}

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

func connect(server string) (*zk.Conn, error) {
	session, events, err := zk.Connect(strings.Split(server, ","), sessionTimeout, zk.WithLogger(quiet{}))
	if err != nil {
		return nil, err
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
	return session, nil
}

func (w *worker) cycle(session *zk.Conn) error {
	lock := zk.NewLock(session, w.path, zk.WorldACL(zk.PermAll))
	if err := lock.Lock(); err != nil {
		return err
	}
	if err := w.write(session, ownNode(lock)); err != nil {
		return err
	}
	return lock.Unlock()
}

// The znode of a lock that is held, which the library keeps to itself.
func ownNode(lock *zk.Lock) string {
	path := reflect.ValueOf(lock).Elem().FieldByName("lockPath").String()
	return path[strings.LastIndex(path, "/")+1:]
}

// Read, increment, write: an update is lost as soon as somebody else does the same meanwhile.
func (w *worker) write(session *zk.Conn, node string) error {
	if err := w.tell("begin alone %s %s", w.name, node); err != nil {
		return err
	}
	data, _, err := session.Get(w.counter)
	if err != nil {
		return err
	}
	value, err := strconv.Atoi(string(data))
	if err != nil {
		return err
	}
	w.pause()
	if _, err := session.Set(w.counter, []byte(strconv.Itoa(value+1)), anyVersion); err != nil {
		return err
	}
	return w.tell("end alone %s %s %d %d", w.name, node, value, value+1)
}

// One write, which the system appends as a whole: the order of the lines is that of what happened.
func (w *worker) tell(format string, values ...interface{}) error {
	_, err := w.witness.WriteString(fmt.Sprintf(format, values...) + "\n")
	return err
}

func (w *worker) pause() {
	if w.hold == holdUntilTold {
		w.tellAndAwaitOrder("holding")
		return
	}
	milliseconds, err := strconv.Atoi(w.hold)
	end(err)
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
}

func (w *worker) tellAndAwaitOrder(state string) {
	fmt.Println(state)
	// The end of standard input is an order like any other.
	_, _ = w.orders.ReadString('\n')
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Arguments: NAME SERVERS ROOT WITNESS CONTENDERS CYCLES HOLD RECIPE.
func main() {
	arguments := os.Args[1:]
	if len(arguments) < 8 || arguments[7] != lockRecipe {
		end(fmt.Errorf("arguments: NAME SERVERS ROOT WITNESS CONTENDERS CYCLES HOLD %s", lockRecipe))
	}
	root := arguments[2]
	witness, err := os.OpenFile(arguments[3], os.O_APPEND|os.O_WRONLY, 0)
	end(err)
	contenders, err := strconv.Atoi(arguments[4])
	end(err)
	cycles, err := strconv.Atoi(arguments[5])
	end(err)
	w := &worker{arguments[0], root + "/lock", root + "/counter", arguments[6], witness, bufio.NewReader(os.Stdin)}

	var sessions [sessionCount]*zk.Conn
	for i := range sessions {
		sessions[i], err = connect(arguments[1])
		end(err)
	}
	w.tellAndAwaitOrder("ready")
	var all sync.WaitGroup
	for i := 0; i < contenders; i++ {
		all.Add(1)
		go func(session *zk.Conn) {
			defer all.Done()
			for cycle := 0; cycle < cycles; cycle++ {
				end(w.cycle(session))
				// So that they do not all come back in the same order.
				time.Sleep(time.Duration(rand.Intn(10)) * time.Millisecond)
			}
		}(sessions[i%sessionCount])
	}
	all.Wait()
	// The sessions stay until the queue has been looked at: what was left in it goes with them.
	w.tellAndAwaitOrder("done")
	for _, session := range sessions {
		session.Close()
	}
}
