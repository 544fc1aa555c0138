/* Vectors of four elements at the end of a row, with NEON. */

/* Valid lanes in vector `index` of a row of `columns` elements, at most 4. */
INLINE size_t lanes_of(size_t columns, size_t index) {
    return columns >= 4 * index + 4 ? 4 : columns <= 4 * index ? 0 : columns - 4 * index;
}

INLINE float32x4_t load_lanes(const float *source, size_t columns, size_t index) {
    size_t count = lanes_of(columns, index);
    if (count == 4)
        return vld1q_f32(source + 4 * index);
    float lanes[4] = {0};
    memcpy(lanes, source + 4 * index, count * sizeof *lanes);
    return vld1q_f32(lanes);
}

INLINE void store_lanes(float *target, size_t columns, size_t index, float32x4_t value) {
    size_t count = lanes_of(columns, index);
    if (count == 4) {
        vst1q_f32(target + 4 * index, value);
        return;
    }
    float lanes[4];
    vst1q_f32(lanes, value);
    memcpy(target + 4 * index, lanes, count * sizeof *lanes);
}

/* The end of an int8 GEMM for vector `index` of a row: exact sums times both scales. */
INLINE void store_scaled(int32x4_t exact, size_t columns, size_t index, float row_scale, const float *column_scales,
                         float *out) {
    float32x4_t scale = vmulq_n_f32(load_lanes(column_scales, columns, index), row_scale);
    store_lanes(out, columns, index, vmulq_f32(vcvtq_f32_s32(exact), scale));
}
