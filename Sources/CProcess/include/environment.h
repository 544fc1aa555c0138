/* The environment of the host process. */
#ifndef PIXART_ENVIRONMENT_H
#define PIXART_ENVIRONMENT_H

/* The value of a variable, which is the host's; NULL if there is none. */
const char *_Nullable process_environment(const char *_Nonnull name);

#endif
