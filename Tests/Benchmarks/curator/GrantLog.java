import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Who was granted the lock, in what order, and how long after the release before. */
final class GrantLog {
    interface Body {
        void run() throws Exception;
    }

    private final long[] times;
    private final int[] byContender;
    private final int limit;
    private int begun;
    private int count;
    private int grants;
    private int overlaps;
    private int outOfOrder;
    private long releasedAt = -1;
    private long longestWait;
    private boolean isHeld;
    private String failure;

    GrantLog(int contenders, int limit) {
        byContender = new int[contenders];
        times = new long[limit];
        this.limit = limit;
    }

    synchronized boolean mayBegin() {
        return begun++ < limit;
    }

    synchronized void granted(int contender, int turn, long enteredAt) {
        long now = System.nanoTime();
        if (isHeld) {
            overlaps++;
        }
        if (turn >= 0 && turn != grants) {
            outOfOrder++;
        }
        isHeld = true;
        grants++;
        byContender[contender]++;
        longestWait = Math.max(longestWait, now - enteredAt);
        if (releasedAt >= 0) {
            times[count++] = now - releasedAt;
        }
    }

    synchronized void releases() {
        isHeld = false;
        releasedAt = System.nanoTime();
    }

    /** Runs the body in a thread of its own; an error makes the answer an error. */
    void run(CountDownLatch done, Body body) {
        new Thread(() -> {
            try {
                body.run();
            } catch (Exception error) {
                synchronized (this) {
                    failure = String.valueOf(error);
                }
            }
            done.countDown();
        }).start();
    }

    /** @param cycles the times of cycles, where those were measured and not grants */
    synchronized Map<String, Object> answer(long elapsed, long[] cycles) {
        Map<String, Object> answer = new LinkedHashMap<>();
        if (failure != null) {
            answer.put("error", failure);
            return answer;
        }
        answer.put("grants", cycles == null ? grants : cycles.length);
        answer.put("overlaps", overlaps);
        answer.put("out_of_order", outOfOrder);
        answer.put("elapsed_ns", elapsed);
        answer.put("longest_wait_ns", longestWait);
        answer.put("fewest", Arrays.stream(byContender).min().orElse(0));
        answer.put("most", Arrays.stream(byContender).max().orElse(0));
        answer.put("times_ns", cycles == null ? Arrays.copyOf(times, count) : cycles);
        return answer;
    }
}
