#include "queue.h"

#include "protocol.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

bool trusts_event, arms_itself;

// As long a name as Curator's and ours.
static const char name[] = "_c_01234567-89ab-cdef-0123-456789abcdef-lock-";

static void fail(contender *c, int rc) {
    if (!c->failure) c->failure = rc;
    fprintf(stderr, "floor: %s in %s\n", zerror(rc), c->directory);
    exit(1);
}

static int32_t sequence(const char *path) {
    size_t length = strlen(path);
    return length < 10 ? INT32_MAX : (int32_t)strtol(path + length - 10, NULL, 10);
}

static void listed(int rc, const struct String_vector *, const void *);

static void grant(contender *c) {
    c->has_waited = true;
    c->granted(c);
}

static void looked(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
    (void)value, (void)length, (void)stat;
    contender *c = (contender *)context;
    if (rc != ZOK) return fail(c, rc);
    c->knows_head = true;
    if (c->is_next) grant(c);
}

// What is here is of an armed contender.
static void deleted_in_front(contender *c, const char *path) {
    if (strcmp(path, c->forerunner) == 0) {
        int rc = zoo_aget(c->session, c->directory, 0, looked, c);
        if (rc != ZOK) fail(c, rc);
    } else if (strcmp(path, c->before) == 0) {
        if (c->knows_head) grant(c);
        else c->is_next = true;
    }
}

static void deleted_event(zhandle_t *session, int type, int state, const char *path, void *context) {
    (void)session, (void)state;
    contender *c = context;
    // A watch of an earlier entry cannot be left: each one fired before its contender was granted.
    if (type != ZOO_DELETED_EVENT) return;
    if (arms_itself) return deleted_in_front(c, path);
    if (strcmp(path, c->before) != 0) return;
    if (trusts_event) {
        c->granted(c);
    } else {
        int sent = zoo_aget_children(c->session, c->directory, 0, listed, c);
        if (sent != ZOK) fail(c, sent);
    }
}

static void watched(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
    (void)value, (void)length, (void)stat;
    contender *c = (contender *)context;
    if (rc == ZNONODE) rc = zoo_aget_children(c->session, c->directory, 0, listed, c);
    else if (rc == ZOK && c->waiting) c->waiting(c);
    if (rc != ZOK) fail(c, rc);
}

static void looked_after(int rc, const char *value, int length, const struct Stat *stat, const void *context) {
    (void)value, (void)length, (void)stat;
    contender *c = (contender *)context;
    // The forerunner may be gone by now.
    if (rc == ZNONODE) rc = zoo_aget(c->session, c->directory, 0, looked, c);
    if (rc != ZOK) fail(c, rc);
}

static void arm(contender *c, const char *forerunner) {
    c->knows_head = !forerunner;
    c->is_next = false;
    int rc = zoo_awget(c->session, c->own, deleted_event, c, looked_after, c);
    if (rc == ZOK && forerunner) {
        snprintf(c->forerunner, sizeof c->forerunner, "%s/%s", c->directory, forerunner);
        rc = zoo_awget(c->session, c->forerunner, deleted_event, c, looked_after, c);
    }
    if (rc != ZOK) fail(c, rc);
}

static void listed(int rc, const struct String_vector *names, const void *context) {
    contender *c = (contender *)context;
    if (rc != ZOK) return fail(c, rc);
    int32_t own = sequence(c->own), nearest = -1, second = -1;
    const char *before = NULL, *forerunner = NULL;
    for (int i = 0; i < names->count; i++) {
        int32_t number = sequence(names->data[i]);
        if (number < own && number > nearest) {
            second = nearest;
            forerunner = before;
            nearest = number;
            before = names->data[i];
        } else if (number < own && number > second) {
            second = number;
            forerunner = names->data[i];
        }
    }
    if (!before) return c->granted(c);
    snprintf(c->before, sizeof c->before, "%s/%s", c->directory, before);
    rc = zoo_awget(c->session, c->before, deleted_event, c, watched, c);
    if (rc != ZOK) fail(c, rc);
    if (arms_itself) arm(c, forerunner);
}

static void created(int rc, const char *value, const struct Stat *stat, const void *context) {
    (void)stat;
    contender *c = (contender *)context;
    if (rc != ZOK) return fail(c, rc);
    snprintf(c->own, sizeof c->own, "%s", value);
}

void enter(contender *c) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", c->directory, name);
    c->entered_at = now();
    c->has_waited = false;
    int rc = zoo_acreate2(c->session, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL | ZOO_SEQUENCE, created, c);
    if (rc == ZOK) rc = zoo_aget_children(c->session, c->directory, 0, listed, c);
    if (rc != ZOK) fail(c, rc);
}

static void deleted(int rc, const void *context) {
    contender *c = (contender *)context;
    if (rc != ZOK) return fail(c, rc);
    c->released(c);
}

void leave(contender *c) {
    int rc;
    if (arms_itself && c->has_waited) {
        int length = snprintf(c->record, sizeof c->record, "zookeeper-locks 1 %s", strrchr(c->own, '/') + 1);
        zoo_delete_op_init(&c->operations[0], c->own, -1);
        zoo_set_op_init(&c->operations[1], c->directory, c->record, length, -1, NULL);
        rc = zoo_amulti(c->session, 2, c->operations, c->results, deleted, c);
    } else {
        rc = zoo_adelete(c->session, c->own, -1, deleted, c);
    }
    if (rc != ZOK) fail(c, rc);
}

typedef struct {
    contender *contender;
    int left;
    void (*done)(contender *);
} holding;

static void hold_on(holding *);

static void was_read(int rc, const struct Stat *stat, const void *context) {
    (void)stat;
    holding *h = (holding *)context;
    if (rc != ZOK) return fail(h->contender, rc);
    hold_on(h);
}

static void hold_on(holding *h) {
    contender *c = h->contender;
    if (h->left-- > 0) {
        int rc = zoo_aexists(c->session, c->directory, 0, was_read, h);
        if (rc != ZOK) fail(c, rc);
        return;
    }
    void (*done)(contender *) = h->done;
    free(h);
    done(c);
}

void hold(contender *c, int round_trips, void (*done)(contender *)) {
    holding *h = malloc(sizeof *h);
    *h = (holding){c, round_trips, done};
    hold_on(h);
}

int make_directory(zhandle_t *session, const char *path) {
    char part[256];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = 0;
        int rc = zoo_create(session, part, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
        if (rc != ZOK && rc != ZNODEEXISTS) return rc;
        if (!slash) return ZOK;
        *slash = '/';
    }
}
