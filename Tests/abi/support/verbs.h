/*
 * The verbs that take options. Each is a call that has all arguments except the options. A result is released at once.
 * "denoise" creates its run without running it, so that many options can be tried in little time.
 */
#ifndef VERBS_H
#define VERBS_H

#include "pixart.h"

typedef struct {
    const char *name; /* as pixart_options_schema() takes it */
    pixart_status (*call)(const char *options);
} verb;

/* All verbs; an entry without a name ends them. */
extern const verb verbs[];
const verb *verb_named(const char *name);

/* Opens what the verbs need from the model under test, and releases it. */
void verbs_open(void);
void verbs_close(void);

#endif
