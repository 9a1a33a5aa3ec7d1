import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Curator's InterProcessMutex as a contender. Usage: CuratorContender SESSION-TIMEOUT-MS HOST:PORT... */
public final class CuratorContender {
    private final List<CuratorFramework> sessions = new ArrayList<>();
    private final int timeout;
    private final List<String> servers;

    private CuratorContender(int timeout, List<String> servers) {
        this.timeout = timeout;
        this.servers = servers;
    }

    public static void main(String[] arguments) throws Exception {
        List<String> servers = List.of(arguments).subList(1, arguments.length);
        CuratorContender contender = new CuratorContender(Integer.parseInt(arguments[0]), servers);
        ObjectMapper json = new ObjectMapper();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            Object answer;
            try {
                answer = contender.perform(json.readTree(line));
            } catch (Exception error) {
                answer = Map.of("error", String.valueOf(error));
            }
            System.out.println(json.writeValueAsString(answer));
            System.out.flush();
        }
        System.exit(0);
    }

    private Object perform(JsonNode request) throws Exception {
        switch (request.path("workload").asText()) {
            case "cycle":
                return cycle(request);
            case "contend":
                return contend(request);
            case "chain":
                return chain(request);
            case "idle":
                return new IdleWorkload(this).perform(request);
            case "hold":
            case "wait":
                lock(request.path("path").asText(), 0).acquire();
                return Map.of("grants", 1);
            default:
                return Map.of("error", "no such workload here");
        }
    }

    CuratorFramework session(int index) throws InterruptedException {
        while (sessions.size() <= index) {
            String server = servers.get(sessions.size() % servers.size());
            CuratorFramework client = CuratorFrameworkFactory.newClient(
                    server, timeout, timeout, new ExponentialBackoffRetry(100, 3));
            client.start();
            client.blockUntilConnected();
            sessions.add(client);
        }
        return sessions.get(index);
    }

    InterProcessMutex lock(String path, int session) throws InterruptedException {
        return new InterProcessMutex(session(session), path);
    }

    /** Locks that nobody else wants, over one session. */
    private Object cycle(JsonNode request) throws Exception {
        int locks = request.path("locks").asInt(1);
        int cycles = request.path("cycles").asInt(100);
        String path = request.path("path").asText();
        List<InterProcessMutex> mutexes = new ArrayList<>();
        for (int number = 0; number < locks; number++) {
            InterProcessMutex mutex = lock(locks == 1 ? path : path + "-" + number, 0);
            mutex.acquire();
            mutex.release();
            mutexes.add(mutex);
        }
        GrantLog log = new GrantLog(1, locks * cycles);
        long[] times = new long[locks * cycles];
        CountDownLatch done = new CountDownLatch(locks);
        long begin = System.nanoTime();
        for (int number = 0; number < locks; number++) {
            int first = number * cycles;
            InterProcessMutex mutex = mutexes.get(number);
            log.run(done, () -> {
                for (int cycle = 0; cycle < cycles; cycle++) {
                    long start = System.nanoTime();
                    mutex.acquire();
                    mutex.release();
                    times[first + cycle] = System.nanoTime() - start;
                }
            });
        }
        done.await();
        return log.answer(System.nanoTime() - begin, times);
    }

    /** Threads that all want one lock, again and again. */
    private Object contend(JsonNode request) throws Exception {
        int contenders = request.path("contenders").asInt(8);
        int count = request.path("sessions").asInt(8);
        String path = request.path("path").asText();
        GrantLog log = new GrantLog(contenders, request.path("grants").asInt(100));
        session(count - 1);
        CountDownLatch done = new CountDownLatch(contenders);
        long begin = System.nanoTime();
        for (int index = 0; index < contenders; index++) {
            int number = index;
            InterProcessMutex mutex = lock(path, number % count);
            log.run(done, () -> {
                while (log.mayBegin()) {
                    long entered = System.nanoTime();
                    mutex.acquire();
                    log.granted(number, -1, entered);
                    log.releases();
                    mutex.release();
                }
            });
        }
        done.await();
        return log.answer(System.nanoTime() - begin, null);
    }

    /** A queue that is released as a chain. */
    private Object chain(JsonNode request) throws Exception {
        int depth = request.path("depth").asInt(10);
        int count = request.path("sessions").asInt(8);
        int roundTrips = request.path("round_trips").asInt(0);
        String path = request.path("path").asText();
        GrantLog log = new GrantLog(depth + 1, depth + 1);
        session(count - 1);
        InterProcessMutex head = lock(path, 0);
        head.acquire();
        log.granted(0, 0, System.nanoTime());
        CountDownLatch done = new CountDownLatch(depth);
        for (int index = 1; index <= depth; index++) {
            int number = index;
            CuratorFramework session = session(number % count);
            InterProcessMutex mutex = lock(path, number % count);
            log.run(done, () -> {
                long entered = System.nanoTime();
                mutex.acquire();
                log.granted(number, number, entered);
                for (int trip = 0; trip < roundTrips; trip++) {
                    session.checkExists().forPath(path);
                }
                log.releases();
                mutex.release();
            });
            // One by one, so that the order is known.
            awaitLength(path, number + 1);
        }
        Thread.sleep(request.path("settle_ms").asInt(300));
        long begin = System.nanoTime();
        log.releases();
        head.release();
        done.await();
        return log.answer(System.nanoTime() - begin, null);
    }

    void awaitLength(String path, int length) throws Exception {
        while (session(0).checkExists().forPath(path).getNumChildren() < length) {
            Thread.onSpinWait();
        }
    }
}
