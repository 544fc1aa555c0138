/* Packs weights into a panel in plain C. Include it after loops.h. */

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    uint32_t *target = panel;
    for (size_t output = 0; output < NATIVE_PANEL; output++) {
        const char *row = (const char *)rows + output * stride;
        for (size_t unit = 0; unit < units; unit++) {
            uint32_t value = 0;
            if (output < outputs)
                memcpy(&value, row + 4 * unit, sizeof value);
            target[unit * NATIVE_PANEL + output] = value;
        }
    }
}
