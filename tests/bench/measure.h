#ifndef RB_BENCH_MEASURE_H
#define RB_BENCH_MEASURE_H

#include <glib.h>
#include <stdlib.h>
#include <time.h>

/* What every measurement needs: this process's time on a CPU, and the middle of several. */

static inline double
measure_cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there on Linux */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int
measure_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/** measure_median: sorts @values. */
static inline double
measure_median(double *values, guint n)
{
    qsort(values, n, sizeof *values, measure_by_value);
    return values[n / 2];
}

#endif
