// The raw C client as a contender. Usage: floor fast|default|safe|armed|background SESSION-TIMEOUT-MS HOST:PORT...
#include "protocol.h"
#include "queue.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_sessions = 256 };

static char **servers;
static int server_count, session_timeout;
static zhandle_t *sessions[most_sessions];
static sem_t connected;
// Whoever lets a free lock go does not wait for the answer.
static bool leaves_behind;
// As the C client does by default.
static bool looks_names_up;

static void session_event(zhandle_t *session, int type, int state, const char *path, void *context) {
    (void)session, (void)path, (void)context;
    if (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE) sem_post(&connected);
}

static zhandle_t *session(int index) {
    index %= most_sessions;
    if (!sessions[index]) {
        sessions[index] = zookeeper_init(servers[index % server_count], session_event, session_timeout, NULL, NULL, 0);
        // Otherwise the C client looks the servers' names up whenever its thread wakes: two thirds of all its system calls.
        if (!looks_names_up) zoo_set_servers_resolution_delay(sessions[index], -1);
        sem_wait(&connected);
    }
    return sessions[index];
}

typedef struct {
    pthread_mutex_t mutex;
    sem_t done;
    bool is_held, has_release;
    int64_t released_at, longest_wait;
    int64_t *times;
    long grants, overlaps, out_of_order, count, expected;
    // Grants are counted out before an entry, so that there are no more and no fewer.
    atomic_long begun, ended;
    int round_trips;
    long *by_contender;
    bool is_chain, awaits_each;
    sem_t step;
} run;

static void begin(run *r, long expected) {
    memset(r, 0, sizeof *r);
    pthread_mutex_init(&r->mutex, NULL);
    sem_init(&r->done, 0, 0);
    sem_init(&r->step, 0, 0);
    r->expected = expected;
    r->times = calloc(expected + 1, sizeof *r->times);
}

static void finish(run *r, int64_t elapsed, int contenders) {
    answer a = {r->times, r->count, elapsed, r->longest_wait, r->grants, r->overlaps, r->out_of_order, 0, 0};
    for (int i = 0; i < contenders && r->by_contender; i++) {
        if (i == 0 || r->by_contender[i] < a.fewest) a.fewest = r->by_contender[i];
        if (r->by_contender[i] > a.most) a.most = r->by_contender[i];
    }
    reply(&a);
    free(r->times);
    free(r->by_contender);
    pthread_mutex_destroy(&r->mutex);
}

static contender *contenders(int count, int session_count, const char *directory, run *r) {
    contender *all = calloc(count, sizeof *all);
    for (int i = 0; i < count; i++) {
        all[i].session = session(i % session_count);
        all[i].index = i;
        all[i].run = r;
        snprintf(all[i].directory, sizeof all[i].directory, "%s", directory);
    }
    return all;
}

// MARK: Contended: who is granted the lock, and when

static void let_go(contender *c) {
    run *r = c->run;
    pthread_mutex_lock(&r->mutex);
    r->is_held = false;
    r->has_release = true;
    r->released_at = now();
    pthread_mutex_unlock(&r->mutex);
    leave(c);
}

static void granted_in_turn(contender *c) {
    run *r = c->run;
    int64_t at = now();
    pthread_mutex_lock(&r->mutex);
    if (r->is_held) r->overlaps++;
    if (r->is_chain && c->index != r->grants) r->out_of_order++;
    r->is_held = true;
    r->grants++;
    if (r->has_release) r->times[r->count++] = at - r->released_at;
    if (at - c->entered_at > r->longest_wait) r->longest_wait = at - c->entered_at;
    if (r->by_contender) r->by_contender[c->index]++;
    bool is_head = r->is_chain && c->index == 0;
    pthread_mutex_unlock(&r->mutex);
    // The first of a chain holds until all stand behind it.
    if (is_head) sem_post(&r->step);
    else hold(c, r->round_trips, let_go);
}

static void entered(contender *c) { sem_post(&((run *)c->run)->step); }

static void released_once(contender *c) {
    run *r = c->run;
    if (atomic_fetch_add(&r->ended, 1) + 1 == r->expected) sem_post(&r->done);
}

static void released_and_again(contender *c) {
    run *r = c->run;
    if (atomic_fetch_add(&r->begun, 1) < r->expected) enter(c);
    released_once(c);
}

static void contend(const char *request, const char *path) {
    int count = request_number(request, "contenders", 8), session_count = request_number(request, "sessions", 8);
    long grants = request_number(request, "grants", 100);
    run r;
    begin(&r, grants);
    r.by_contender = calloc(count, sizeof *r.by_contender);
    contender *all = contenders(count, session_count, path, &r);
    make_directory(session(0), path);
    atomic_store(&r.begun, count);
    int64_t start = now();
    for (int i = 0; i < count; i++) {
        all[i].granted = granted_in_turn;
        all[i].released = released_and_again;
        enter(&all[i]);
    }
    sem_wait(&r.done);
    finish(&r, now() - start, count);
    free(all);
}

static void chain(const char *request, const char *path) {
    int depth = request_number(request, "depth", 10), session_count = request_number(request, "sessions", 8);
    run r;
    begin(&r, depth + 1);
    r.is_chain = true;
    r.round_trips = request_number(request, "round_trips", 0);
    contender *all = contenders(depth + 1, session_count, path, &r);
    make_directory(session(0), path);
    for (int i = 0; i <= depth; i++) {
        all[i].granted = granted_in_turn;
        all[i].waiting = entered;
        all[i].released = released_once;
        enter(&all[i]);
        sem_wait(&r.step);
    }
    usleep(1000 * request_number(request, "settle_ms", 300));
    int64_t start = now();
    let_go(&all[0]);
    sem_wait(&r.done);
    finish(&r, now() - start, 0);
    free(all);
}

// MARK: Uncontended

typedef struct {
    contender contender;
    long left;
    int64_t *times;
    run *run;
} cycler;

static void granted_cycle(contender *c) { leave(c); }

static void released_cycle(contender *c) {
    cycler *each = (cycler *)c;
    each->times[--each->left] = now() - c->entered_at;
    if (each->left > 0) enter(c);
    else released_once(c);
}

static void wake(contender *c) { sem_post(&((run *)c->run)->step); }

static void ignore(contender *c) { (void)c; }

// Two that take turns: one enters while the other's deletion is on its way, and is answered behind it.
static void cycle_leaving_behind(cycler *first, long cycles, run *r) {
    cycler both[2] = {*first, *first};
    for (long i = 0; i < cycles; i++) {
        contender *c = &both[i % 2].contender;
        c->released = i + 1 < cycles ? ignore : wake;
        enter(c);
        sem_wait(&r->step);
        leave(c);
        r->times[i] = now() - c->entered_at;
    }
    sem_wait(&r->step);
}

// One lock: by a thread that waits for the answers, as the user of a lock does. More: by callbacks alone.
static void cycle(const char *request, const char *path) {
    int locks = request_number(request, "locks", 1);
    long cycles = request_number(request, "cycles", 100);
    run r;
    begin(&r, locks);
    cycler *all = calloc(locks, sizeof *all);
    r.times = realloc(r.times, sizeof *r.times * locks * cycles);
    for (int i = 0; i < locks; i++) {
        all[i] = (cycler){.left = cycles, .times = r.times + i * cycles};
        contender *c = &all[i].contender;
        c->session = session(0);
        c->run = &r;
        if (locks == 1) snprintf(c->directory, sizeof c->directory, "%s", path);
        else snprintf(c->directory, sizeof c->directory, "%s-%d", path, i);
        make_directory(c->session, c->directory);
        c->granted = locks == 1 ? wake : granted_cycle;
        c->released = locks == 1 ? wake : released_cycle;
    }
    int64_t start = now();
    if (locks == 1 && leaves_behind) {
        cycle_leaving_behind(&all[0], cycles, &r);
    } else if (locks == 1) {
        for (long i = 0; i < cycles; i++) {
            enter(&all[0].contender);
            sem_wait(&r.step);
            leave(&all[0].contender);
            sem_wait(&r.step);
            r.times[i] = now() - all[0].contender.entered_at;
        }
    } else {
        for (int i = 0; i < locks; i++) enter(&all[i].contender);
        sem_wait(&r.done);
    }
    r.count = r.grants = locks * cycles;
    finish(&r, now() - start, 0);
    free(all);
}

int main(int count, char **arguments) {
    if (count < 4) return fprintf(stderr, "usage: floor fast|default|safe|armed|background SESSION-TIMEOUT-MS HOST:PORT...\n"), 64;
    looks_names_up = strcmp(arguments[1], "default") == 0;
    trusts_event = strcmp(arguments[1], "fast") == 0 || looks_names_up;
    arms_itself = strcmp(arguments[1], "armed") == 0;
    leaves_behind = strcmp(arguments[1], "background") == 0;
    session_timeout = atoi(arguments[2]);
    servers = arguments + 3;
    server_count = count - 3;
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    sem_init(&connected, 0, 0);
    char *line = NULL, workload[32], path[128];
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        request_text(line, "workload", workload, sizeof workload);
        request_text(line, "path", path, sizeof path);
        if (!strcmp(workload, "cycle")) cycle(line, path);
        else if (!strcmp(workload, "contend")) contend(line, path);
        else if (!strcmp(workload, "chain")) chain(line, path);
        else reply_error("no such workload here");
    }
    for (int i = 0; i < most_sessions; i++)
        if (sessions[i]) zookeeper_close(sessions[i]);
    return 0;
}
