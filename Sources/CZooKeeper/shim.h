#ifndef CZOOKEEPER_SHIM_H
#define CZOOKEEPER_SHIM_H

// The multi-threaded build of the client (libzookeeper_mt) is declared under this name.
#define THREADED
#include <zookeeper/zookeeper.h>

#include <semaphore.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

// A mutable global in C, which Swift 6 refuses to touch; nobody writes to it.
static inline const struct ACL_vector *czk_open_acl(void) { return &ZOO_OPEN_ACL_UNSAFE; }

// Declared by the system's header only for _GNU_SOURCE.
int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *due);

int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *actions, int terminal);

// Variadic in C.
static inline void czk_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

static inline int czk_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

// Declared by the system's header only for _GNU_SOURCE, and a mutable global.
extern char **environ;
static inline char **czk_environment(void) { return environ; }

// Swift refuses it, with good reason where there are threads.
static inline pid_t czk_fork(void) { return fork(); }

#endif
