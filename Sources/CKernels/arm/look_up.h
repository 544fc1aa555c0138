/* 16 bytes of a table of 16, each by an index below 16. Include it before loops.h. */
#include <arm_neon.h>

#define LOOK_UP(table, indexes) ((bytes16)vqtbl1q_u8((uint8x16_t)(table), (uint8x16_t)(indexes)))
