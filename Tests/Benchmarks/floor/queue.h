// A lock's queue over the C client, with every request sent as early as its protocol allows.
#ifndef QUEUE_H
#define QUEUE_H

#define THREADED
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <zookeeper/zookeeper.h>

typedef struct contender contender;

struct contender {
    zhandle_t *session;
    char directory[128];
    char own[256];
    char before[256];
    // The one before that, if it was there.
    char forerunner[256];
    // Nobody is ahead of the predecessor; and it is gone.
    bool knows_head, is_next, has_waited;
    zoo_op_t operations[2];
    zoo_op_result_t results[2];
    char record[256];
    // What a request could not do; 0 if all went well. The benchmark is void then.
    int failure;
    // Which entry a watch belongs to: a watcher is told of every event of the session as well.
    int index;
    int64_t entered_at;
    // Called on the completion thread.
    void (*granted)(contender *);
    void (*waiting)(contender *);
    void (*released)(contender *);
    void *run;
};

// Whether the deletion of the predecessor is taken for a grant as it is. Right only if the predecessor was the head, which nothing
// here makes sure of: a floor, no protocol. Otherwise the queue is listed first, as every safe program does that knows no more.
extern bool trusts_event;
// Asks for all that this library's protocol asks for, which makes sure of it: the own node and the one ahead of the predecessor are watched too,
// the parent is read when that one goes, and whoever has waited leaves word there. What of its cost is due to the requests, this tells.
extern bool arms_itself;

// One round trip: the create and the list go out together.
void enter(contender *);
void leave(contender *);
// A number of reads, one after the other, and then `done`.
void hold(contender *, int round_trips, void (*done)(contender *));
// Makes the directory and its parents.
int make_directory(zhandle_t *, const char *path);

#endif
