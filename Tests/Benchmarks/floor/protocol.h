// The coordinator's protocol: a line of flat JSON in, a line of JSON out. See ../README.md.
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

// The value of a key whose value is a number; `otherwise` if there is none.
long request_number(const char *request, const char *key, long otherwise);
// Copies the value of a key whose value is a text without escapes.
void request_text(const char *request, const char *key, char *text, unsigned size);

typedef struct {
    const int64_t *times;
    long count;
    int64_t elapsed, longest_wait;
    long grants, overlaps, out_of_order, fewest, most;
} answer;

void reply(const answer *);
void reply_error(const char *text);

int64_t now(void);

#endif
