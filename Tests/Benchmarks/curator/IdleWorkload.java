import com.fasterxml.jackson.databind.JsonNode;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;

/** Queues in which nothing happens: the memory that the waiters take, and the CPU time. */
final class IdleWorkload {
    private final CuratorContender contender;

    IdleWorkload(CuratorContender contender) {
        this.contender = contender;
    }

    Map<String, Object> perform(JsonNode request) throws Exception {
        int sessions = request.path("sessions").asInt(8);
        int locks = request.path("locks").asInt(1);
        int waiters = request.path("waiters").asInt(0);
        String path = request.path("path").asText();
        contender.session(sessions - 1);
        List<InterProcessMutex> heads = new ArrayList<>();
        for (int number = 0; number < locks; number++) {
            InterProcessMutex head = contender.lock(path + "-" + number, number % sessions);
            head.acquire();
            heads.add(head);
        }
        // In its favour: what is garbage does not count.
        System.gc();
        long before = residentBytes();
        GrantLog log = new GrantLog(1, waiters);
        CountDownLatch done = new CountDownLatch(waiters);
        for (int number = 0; number < waiters; number++) {
            String own = path + "-" + number % locks;
            InterProcessMutex mutex = contender.lock(own, number % sessions);
            log.run(done, () -> {
                mutex.acquire();
                log.mayBegin();
                mutex.release();
            });
            // So many requests at a time, no more.
            if (number >= 64) {
                int older = number - 64;
                contender.awaitLength(path + "-" + older % locks, older / locks + 2);
            }
        }
        for (int number = 0; number < locks && waiters >= locks; number++) {
            contender.awaitLength(path + "-" + number, waiters / locks + 1);
        }
        Thread.sleep(1000);
        System.gc();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("rss_bytes", residentBytes() - before);
        long begin = System.nanoTime();
        long used = cpuTime();
        Thread.sleep((long) (1000 * request.path("seconds").asDouble(5)));
        answer.put("idle_cpu_ns", cpuTime() - used);
        answer.put("idle_elapsed_ns", System.nanoTime() - begin);
        for (InterProcessMutex head : heads) {
            head.release();
        }
        done.await();
        Map<String, Object> end = log.answer(0, null);
        if (end.containsKey("error")) {
            return end;
        }
        answer.put("grants", locks + waiters);
        return answer;
    }

    private static long residentBytes() throws Exception {
        String[] fields = Files.readString(Path.of("/proc/self/statm")).trim().split(" ");
        return Long.parseLong(fields[1]) * 4096;
    }

    private static long cpuTime() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }
}
