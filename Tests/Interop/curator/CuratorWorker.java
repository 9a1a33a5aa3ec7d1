import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.OwnNode;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.recipes.lock.LockListener;
import org.apache.zookeeper.recipes.lock.WriteLock;

/** Apache Curator's recipes, and that of ZooKeeper itself, as a worker; ../README.md tells how one is started and what it does. */
public final class CuratorWorker {
    private static final int SESSION_TIMEOUT = 10_000;
    private static final int SESSIONS = 2;

    private final BufferedReader orders =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final String path;
    private final String counter;
    private final Witness witness;
    private final String hold;
    private final String recipe;

    private CuratorWorker(String root, Witness witness, String hold, String recipe) {
        path = root + "/lock";
        counter = root + "/counter";
        this.witness = witness;
        this.hold = hold;
        this.recipe = recipe;
    }

    /** Arguments: NAME SERVERS ROOT WITNESS CONTENDERS CYCLES HOLD RECIPE. */
    public static void main(String[] arguments) {
        try {
            Witness witness = new Witness(arguments[3], arguments[0]);
            CuratorWorker worker = new CuratorWorker(arguments[2], witness, arguments[6], arguments[7]);
            worker.run(arguments[1], Integer.parseInt(arguments[4]), Integer.parseInt(arguments[5]));
            System.exit(0);
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }

    private void run(String servers, int contenders, int cycles) throws Exception {
        List<CuratorFramework> sessions = new ArrayList<>();
        for (int number = 0; number < SESSIONS; number++) {
            CuratorFramework session = CuratorFrameworkFactory.newClient(
                    servers, SESSION_TIMEOUT, SESSION_TIMEOUT, new ExponentialBackoffRetry(100, 3));
            session.start();
            session.blockUntilConnected();
            sessions.add(session);
        }
        tellAndAwaitOrder("ready");
        List<Callable<Void>> all = new ArrayList<>();
        for (int contender = 0; contender < contenders; contender++) {
            int number = contender;
            CuratorFramework session = sessions.get(number % SESSIONS);
            all.add(() -> {
                for (int cycle = 0; cycle < cycles; cycle++) {
                    cycle(session, (number + cycle) % 3 == 0);
                    // So that they do not all come back in the same order.
                    Thread.sleep(ThreadLocalRandom.current().nextInt(10));
                }
                return null;
            });
        }
        ExecutorService threads = Executors.newFixedThreadPool(contenders);
        for (Future<Void> future : threads.invokeAll(all)) {
            future.get();
        }
        // The sessions stay until the queue has been looked at: what was left in it goes with them.
        tellAndAwaitOrder("done");
        for (CuratorFramework session : sessions) {
            session.close();
        }
    }

    private void cycle(CuratorFramework session, boolean writes) throws Exception {
        switch (recipe) {
            case "lock":
                InterProcessMutex mutex = new InterProcessMutex(session, path);
                mutex.acquire();
                write(session, OwnNode.of(mutex));
                mutex.release();
                break;
            case "revocable":
                CountDownLatch asked = new CountDownLatch(1);
                InterProcessMutex revocable = new InterProcessMutex(session, path);
                revocable.makeRevocable(lock -> asked.countDown());
                revocable.acquire();
                write(session, OwnNode.of(revocable));
                // It goes on holding until it is asked to give up.
                asked.await();
                revocable.release();
                break;
            case "revoke":
                String holder = new InterProcessMutex(session, path).getParticipantNodes().iterator().next();
                Revoker.attemptRevoke(session, holder);
                break;
            case "read-write":
            case "downgrade":
                share(session, new InterProcessReadWriteLock(session, path), writes);
                break;
            case "semaphore":
                InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(session, path, 1);
                Lease lease = semaphore.acquire();
                write(session, lease.getNodeName());
                semaphore.returnLease(lease);
                break;
            case "selector":
                lead(session);
                break;
            case "latch":
                try (LeaderLatch latch = new LeaderLatch(session, path)) {
                    latch.start();
                    latch.await();
                    write(session, "latch");
                }
                break;
            case "zookeeper":
                lockByRecipe(session);
                break;
            default:
                throw new IllegalArgumentException("no such recipe here: " + recipe);
        }
    }

    private void share(CuratorFramework session, InterProcessReadWriteLock lock, boolean writes) throws Exception {
        if (writes) {
            lock.writeLock().acquire();
            write(session, OwnNode.of(lock.writeLock()));
            if (!recipe.equals("downgrade")) {
                lock.writeLock().release();
                return;
            }
        }
        // Of a thread that writes: a reader in the writer's place.
        lock.readLock().acquire();
        if (writes) {
            lock.writeLock().release();
        }
        read(session, OwnNode.of(lock.readLock()));
        lock.readLock().release();
    }

    private void lead(CuratorFramework session) throws Exception {
        CompletableFuture<Void> led = new CompletableFuture<>();
        // It keeps its lock to itself.
        Field mutex = LeaderSelector.class.getDeclaredField("mutex");
        mutex.setAccessible(true);
        AtomicReference<LeaderSelector> self = new AtomicReference<>();
        LeaderSelectorListenerAdapter listener = new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework client) {
                try {
                    write(client, OwnNode.of((InterProcessMutex) mutex.get(self.get())));
                    led.complete(null);
                } catch (Exception error) {
                    led.completeExceptionally(error);
                }
            }
        };
        try (LeaderSelector selector = new LeaderSelector(session, path, listener)) {
            self.set(selector);
            selector.start();
            led.get();
        }
    }

    /** The recipe that comes with ZooKeeper. */
    private void lockByRecipe(CuratorFramework session) throws Exception {
        CountDownLatch acquired = new CountDownLatch(1);
        LockListener listener = new LockListener() {
            @Override
            public void lockAcquired() {
                acquired.countDown();
            }

            @Override
            public void lockReleased() {}
        };
        ZooKeeper zookeeper = session.getZookeeperClient().getZooKeeper();
        WriteLock lock = new WriteLock(zookeeper, path, ZooDefs.Ids.OPEN_ACL_UNSAFE, listener);
        lock.lock();
        acquired.await();
        write(session, lock.getId());
        lock.unlock();
    }

    /** Read, increment, write: an update is lost as soon as somebody else does the same meanwhile. */
    private void write(CuratorFramework session, String node) throws Exception {
        witness.begin("alone", node);
        int value = value(session);
        pause();
        session.setData().forPath(counter, Integer.toString(value + 1).getBytes(StandardCharsets.UTF_8));
        witness.end("alone", node, value, value + 1);
    }

    private void read(CuratorFramework session, String node) throws Exception {
        witness.begin("shared", node);
        int before = value(session);
        pause();
        witness.end("shared", node, before, value(session));
    }

    private int value(CuratorFramework session) throws Exception {
        return Integer.parseInt(new String(session.getData().forPath(counter), StandardCharsets.UTF_8));
    }

    private void tellAndAwaitOrder(String state) throws Exception {
        System.out.println(state);
        orders.readLine();
    }

    private void pause() throws Exception {
        if (hold.equals("-")) {
            tellAndAwaitOrder("holding");
        } else {
            Thread.sleep(Integer.parseInt(hold));
        }
    }
}
