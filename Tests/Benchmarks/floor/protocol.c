#include "protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static const char *value(const char *request, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *found = strstr(request, quoted);
    if (!found) return NULL;
    found += strlen(quoted);
    while (*found == ' ') found++;
    return found;
}

long request_number(const char *request, const char *key, long otherwise) {
    const char *text = value(request, key);
    return text ? strtol(text, NULL, 10) : otherwise;
}

void request_text(const char *request, const char *key, char *text, unsigned size) {
    const char *from = value(request, key);
    unsigned length = 0;
    if (from && *from == '"') {
        while (from[length + 1] != '"' && from[length + 1] != 0 && length + 1 < size) {
            text[length] = from[length + 1];
            length++;
        }
    }
    text[length] = 0;
}

void reply(const answer *a) {
    printf("{\"grants\":%ld,\"overlaps\":%ld,\"out_of_order\":%ld,\"elapsed_ns\":%lld,\"longest_wait_ns\":%lld,", a->grants,
           a->overlaps, a->out_of_order, (long long)a->elapsed, (long long)a->longest_wait);
    printf("\"fewest\":%ld,\"most\":%ld,\"times_ns\":[", a->fewest, a->most);
    for (long i = 0; i < a->count; i++) printf(i ? ",%lld" : "%lld", (long long)a->times[i]);
    printf("]}\n");
    fflush(stdout);
}

void reply_error(const char *text) {
    printf("{\"error\":\"%s\"}\n", text);
    fflush(stdout);
}
