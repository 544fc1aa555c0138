/*
 * Converts a checkpoint to another precision: smaller on the disk and in memory, and opened without conversion.
 *
 *     convert_checkpoint MODEL OUT [float32 | bfloat16 | int8 | int4]
 *
 * Prints the memory of each stage before and after.
 */
#include <pixart.h>

#include <stdio.h>
#include <stdlib.h>

static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Prints a line like "tensor 7 of 20" during the conversion. Returning 0 continues it. */
static int32_t show(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context;
    fprintf(stderr, "\rtensor %lld of %lld, %3.0f%%", (long long)step, (long long)steps, fraction * 100);
    if (step == steps)
        fputc('\n', stderr);
    return 0;
}

/* Prints one line for each stage, except for stages that the checkpoint lacks. */
static void print_memory(const char *model) {
    static const char *const stages[] = {"encode", "denoise", "decode"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        char options[64], *report;
        snprintf(options, sizeof options, "{\"stage\": \"%s\"}", stages[i]);
        pixart_status status = pixart_memory_estimate(model, options, &report);
        if (status == PIXART_ERROR_FILE)
            continue;
        check(status);
        printf("%s, %s: %s\n", model, stages[i], report);
        pixart_string_release(report);
    }
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL OUT [float32 | bfloat16 | int8 | int4]\n", argv[0]);
        return EXIT_FAILURE;
    }
    char options[64];
    snprintf(options, sizeof options, "{\"weights\": \"%.20s\"}", argc > 3 ? argv[3] : "int8");
    check(pixart_convert(argv[1], argv[2], options, show, NULL));
    print_memory(argv[1]);
    print_memory(argv[2]);
    return EXIT_SUCCESS;
}
