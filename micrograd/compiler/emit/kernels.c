/* What programs in C call: the functions of floats.py and functional.py, to the last bit, and
   matrix products. `x` are numbers in a row, as they are taken together from the buffer. */

#include <math.h>

#ifdef __clang__
#define IN_ANY_ORDER _Pragma("clang loop vectorize(assume_safety)")
#else
#define IN_ANY_ORDER _Pragma("GCC ivdep")
#endif

/* Calls a Function of the user's, by its number, with x, and sets y; 0 if it raised an error. */
typedef int (*callback)(int number, const double *x, double *y);

/* Single numbers: the functions of floats.py. The C library's are called as Python calls them. */

#define floats_divide(x, y) ((x) / (y))
#define floats_power(x, y) pow(x, y)
#define floats_exp(x) exp(x)
#define floats_sqrt(x) sqrt(x)
#define floats_sin(x) sin(x)
#define floats_cos(x) cos(x)
#define floats_log(x) log(x)

static inline double floats_power_slope(double x, double y) {
    if (y == 0.0) return 0.0;
    double p = pow(x, y - 1.0), size = fabs(p);
    return (0.0 < size && size < INFINITY) || x == 0.0 || !isfinite(x) ? y * p : y * pow(x, y) / x;
}

static inline double floats_exponent_slope(double x, double y) {
    return x == 0.0 && 0.0 <= y ? 0.0 : pow(x, y) * log(x);
}

static inline double floats_sign(double x) { return fabs(x) > 0.0 ? copysign(1.0, x) : 0.0 * x; }

static inline double floats_relu(double x) { return x <= 0.0 ? 0.0 : x; }

/* Lambert's continued fraction. */
static inline double small_tanh(double x) {
    double z = x * x, y = x - x * z / (z + 3 + z / (5 + z / (7 + z / (9 + z / (11 + z / 13)))));
    return y == 0.0 ? x : y;
}

static inline double floats_tanh(double x) {
    double size = fabs(x);
    if (size < 0.25) return small_tanh(x);
    if (size < 2) {
        int near = (int)nearbyint(32 * size);
        const double *row = tanh_of_32nds[near], y = row[0];
        double step = small_tanh(size - near / 32.0);
        return copysign(y + (row[2] * step / (1 + y * step) + row[1]), x);
    }
    return copysign(1 - 2 / (exp(2 * size) + 1), x);
}

static inline double floats_tanh_slope(double x) {
    double e = exp(-2 * fabs(x));
    return 4 * e / ((1 + e) * (1 + e));
}

static inline double floats_sigmoid(double x) {
    double e = exp(-fabs(x));
    return (x >= 0.0 ? 1.0 : e) / (1 + e);
}

static inline double floats_sigmoid_slope(double x) {
    return floats_sigmoid(x) * floats_sigmoid(-x);
}

static inline double floats_softplus(double x) {
    return (0.0 > x ? 0.0 : x) + log1p(exp(-fabs(x)));
}

/* Sums, rounded once: with what each addition rounds away; exactly, where that may be too little. */

/* Shewchuk's way, as math.fsum: `parts` that do not overlap, which come to exactly the sum. */
static int added(double *parts, int count, double a) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        double b = parts[i], high = a + b;
        double low = fabs(a) < fabs(b) ? a - (high - b) : b - (high - a);
        if (low != 0.0) parts[kept++] = low;
        a = high;
    }
    if (a != 0.0) parts[kept++] = a;
    return kept;
}

static double rounded(const double *parts, int count) {
    double sum = 0.0, low = 0.0;
    while (count > 0 && low == 0.0) {
        double a = sum, b = parts[--count];
        sum = a + b;
        low = b - (sum - a);
    }
    if (count > 0 && low != 0.0 && (low < 0.0) == (parts[count - 1] < 0.0)) {
        double up = sum + 2 * low; /* half way, and there is more in that direction */
        if (up - sum == 2 * low) sum = up;
    }
    return sum;
}

static double rounded_once(const double *x, int n, int exponent) {
    double parts[64];
    int count = 0;
    for (int i = 0; i < n; i++) count = added(parts, count, ldexp(x[i], exponent));
    return rounded(parts, count);
}

/* The sum divided by a number, where it is infinite or nan, or too large between. */
static double beyond(const double *x, int n, double divisor) {
    double parts[64], odd = 0.0;
    int count = 0, are_finite = 1;
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i])) odd += x[i], are_finite = 0;
    if (!are_finite) return odd;
    for (int i = 0; i < n; i++)
        if (fabs(x[i]) >= 0x1p960) count = added(parts, count, ldexp(x[i], -64));
    for (int i = 0; i < count; i++) parts[i] = ldexp(parts[i], 64);
    for (int i = 0; i < n; i++)
        if (fabs(x[i]) < 0x1p960) count = added(parts, count, x[i]);
    double sum = rounded(parts, count) / divisor;
    return isfinite(sum) ? sum : ldexp(rounded_once(x, n, -64) / divisor, 64);
}

static double total(const double *x, int n) {
    double sum = 0.0, low = 0.0, lost = 0.0;
    for (int i = 0; i < n; i++) {
        double next = sum + x[i], part = next - sum;
        double rest = (sum - (next - part)) + (x[i] - part);
        sum = next;
        low += rest;
        lost += fabs(rest);
    }
    double doubt = lost * n * 0x1p-52, result = sum + low;
    if (sum + (low - doubt) == sum + (low + doubt)) return result;
    return isfinite(sum) && isfinite(low) ? rounded_once(x, n, 0) : beyond(x, n, 1.0);
}

/* Of n numbers: the functions of functional.py, which may use up x. */

static void sum(double *x, double *y, int n) { *y = total(x, n); }

static void mean(double *x, double *y, int n) {
    double m = total(x, n) / n;
    *y = isfinite(m) ? m : beyond(x, n, n);
}

static double largest(const double *x, int n) {
    double top = x[0];
    for (int i = 0; i < n; i++) {
        if (isnan(x[i])) return NAN;
        if (x[i] > top) top = x[i];
    }
    return top;
}

static void max(const double *x, double *y, int n) { *y = largest(x, n); }

/* Equal ones share the gradient, which is behind x; a nan wins. */
static void max_backward(const double *x, double *y, int n) {
    double top = largest(x, n), g = x[n];
    int winners = 0;
    for (int i = 0; i < n; i++) winners += x[i] == top || x[i] != x[i];
    for (int i = 0; i < n; i++) y[i] = x[i] == top || x[i] != x[i] ? g / winners : 0.0;
}

static double log_sum_exp(double *x, int n) {
    double m = largest(x, n);
    int top = 0;
    if (!isfinite(m)) return m;
    while (x[top] != m) top++;
    for (int i = 0; i < n; i++) x[i] = i == top ? 0.0 : exp(x[i] - m);
    return m + log1p(total(x, n));
}

static void logsumexp(double *x, double *y, int n) { *y = log_sum_exp(x, n); }

/* Of logits whose first is the target's. */
static void cross_entropy(double *x, double *y, int n) {
    double first = x[0];
    int is_finite = isfinite(largest(x, n));
    for (int i = 0; i < n; i++) x[i] -= first;
    *y = !is_finite ? NAN : first == -INFINITY ? INFINITY : log_sum_exp(x, n);
}

static void softmax(const double *x, double *y, int n) {
    double m = x[0];
    for (int i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    for (int i = 0; i < n; i++) y[i] = exp(x[i] - m);
    double sum = total(y, n);
    for (int i = 0; i < n; i++) y[i] /= sum;
}

static void cross_entropy_slopes(const double *x, double *y, int n) {
    softmax(x, y, n);
    y[0] = -total(y + 1, n - 1);
}

/* An index as a place below n: that it was one, a guard tells when all is done. */
static inline int place(double index, int n) {
    return index > 0.0 ? index < n ? (int)index : n - 1 : 0;
}

/* Of the index of the target's, and logits. */
static void cross_entropy_at(double *x, double *y, int n) {
    double *logits = x + 1;
    int target = place(x[0], n - 1);
    double first = logits[target];
    logits[target] = logits[0], logits[0] = first;
    cross_entropy(logits, y, n - 1);
}

static void cross_entropy_slopes_at(const double *x, double *y, int n) {
    int target = place(x[0], n);
    softmax(x + 1, y, n);
    y[target] = 0.0;
    y[target] = -total(y, n);
}

static void one_hot(const double *x, double *y, int n) {
    for (int i = 0; i < n; i++) y[i] = x[0] == i;
}

/* 1 - p[i] for shares p, without cancellation. */
static double others(double *p, int i, int n) {
    double own = p[i];
    p[i] = 0.0;
    double sum = total(p, n);
    p[i] = own;
    return sum;
}

/* Of shares p, and the gradients g of them, which are behind p: for each j the sum over i of
   p[i] (1 - p[i] if i = j else -p[j]) g[i], from the last i on. */
static void softmax_backward_in_order(double *p, double *y, int n) {
    const double *g = p + n;
    for (int j = 0; j < n; j++) y[j] = 0.0;
    for (int i = n - 1; i >= 0; i--) {
        double left = others(p, i, n);
        for (int j = 0; j < n; j++) y[j] += p[i] * (i == j ? left : -p[j]) * g[i];
    }
}

/* The same as p[j] (g[j] - sum of p[i] g[i]), where all g are counted from that of the largest p. */
static void softmax_backward(double *p, double *y, int n) {
    const double *g = p + n;
    double sum = 0.0;
    int top = 0;
    for (int i = 1; i < n; i++)
        if (p[i] > p[top]) top = i;
    for (int i = 0; i < n; i++) sum += p[i] * (g[i] - g[top]);
    for (int i = 0; i < n; i++) y[i] = (g[i] - g[top] - sum) * p[i];
    if (!isfinite(sum)) softmax_backward_in_order(p, y, n);
}

/* Matrix products. Each sum is added up in its order; what is done together are columns. */

#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define AT(x) (*(lanes *)(x))

static inline void load(lanes *s, const double *c, int columns) {
    s[0] = s[1] = (lanes){0};
    if (columns >= 2 * LANES)
        s[0] = AT(c), s[1] = AT(c + LANES);
    else
        for (int i = 0; i < columns; i++) s[i / LANES][i % LANES] = c[i];
}

static inline void store(double *c, lanes s, lanes t, int columns) {
    if (columns >= LANES) {
        AT(c) = s;
        c += LANES, columns -= LANES, s = t;
        if (columns >= LANES) {
            AT(c) = s;
            return;
        }
    }
    for (int i = 0; i < columns; i++) c[i] = s[i];
}

/* The matrices are (m, k), (k, n) and (m, n): a row of a and c is so far from the next, as is a
   column of a and a row of b; those of b and c lie in a row. b may be read beyond its end. */
#define MATRICES                                                                                  \
    const double *a, long a_row, long a_column, const double *b, long b_row, double *c, long c_row

static void four_rows(int columns, int k, int adds, MATRICES) {
    lanes s0[2], s1[2], s2[2], s3[2];
    if (adds) {
        load(s0, c, columns), load(s1, c + c_row, columns);
        load(s2, c + 2 * c_row, columns), load(s3, c + 3 * c_row, columns);
    } else {
        s0[0] = s0[1] = s1[0] = s1[1] = s2[0] = s2[1] = s3[0] = s3[1] = (lanes){0};
    }
    lanes p0 = s0[0], q0 = s0[1], p1 = s1[0], q1 = s1[1];
    lanes p2 = s2[0], q2 = s2[1], p3 = s3[0], q3 = s3[1];
    for (int i = 0; i < k; i++, a += a_column, b += b_row) {
        lanes y = AT(b), z = AT(b + LANES);
        double x0 = a[0], x1 = a[a_row], x2 = a[2 * a_row], x3 = a[3 * a_row];
        p0 += x0 * y, q0 += x0 * z;
        p1 += x1 * y, q1 += x1 * z;
        p2 += x2 * y, q2 += x2 * z;
        p3 += x3 * y, q3 += x3 * z;
    }
    store(c, p0, q0, columns), store(c + c_row, p1, q1, columns);
    store(c + 2 * c_row, p2, q2, columns), store(c + 3 * c_row, p3, q3, columns);
}

static void one_row(int columns, int k, int adds, MATRICES) {
    lanes s[2] = {{0}};
    if (adds) load(s, c, columns);
    lanes p = s[0], q = s[1];
    for (int i = 0; i < k; i++, a += a_column, b += b_row) {
        p += a[0] * AT(b), q += a[0] * AT(b + LANES);
    }
    store(c, p, q, columns);
}

/* Eight sums at a time, for what is too narrow for lanes. */
static void one_column(int m, int k, int adds, MATRICES) {
    for (; m > 0; m -= 8, a += 8 * a_row, c += 8 * c_row) {
        int rows = m < 8 ? m : 8;
        double s[8] = {0};
        if (adds)
            for (int r = 0; r < rows; r++) s[r] = c[r * c_row];
        if (rows == 8)
            for (int i = 0; i < k; i++)
                for (int r = 0; r < 8; r++) s[r] += a[r * a_row + i * a_column] * b[i * b_row];
        else
            for (int i = 0; i < k; i++)
                for (int r = 0; r < rows; r++) s[r] += a[r * a_row + i * a_column] * b[i * b_row];
        for (int r = 0; r < rows; r++) c[r * c_row] = s[r];
    }
}

/* c = a b, or c += a b. */
static void product(int m, int n, int k, int adds, MATRICES) {
    for (; n >= LANES / 2; n -= 2 * LANES, b += 2 * LANES, c += 2 * LANES) {
        int i = 0;
        for (; i + 4 <= m; i += 4)
            four_rows(n, k, adds, a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row);
        for (; i < m; i++)
            one_row(n, k, adds, a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row);
    }
    for (; n > 0; n--, b++, c++) one_column(m, k, adds, a, a_row, a_column, b, b_row, c, c_row);
}

/* The same for large matrices, block by block: rows of a in fours and a panel of b, which are taken
   together at `room`, stay in the caches. Where a sum is left, the next block goes on with it. */
enum { DEEP = 256, TALL = 128 };

static inline int least(int x, int y) { return x < y ? x : y; }

static void in_fours(int rows, int k, const double *a, long a_row, long a_column, double *to) {
    for (int top = 0; top < rows; top += 4, a += 4 * a_row, to += 4 * k)
        for (int i = 0; i < k; i++)
            for (int r = 0; r < least(rows - top, 4); r++) to[4 * i + r] = a[r * a_row + i * a_column];
}

static void in_a_panel(int columns, int k, const double *b, long b_row, double *to) {
    for (int i = 0; i < k; i++, b += b_row, to += 2 * LANES)
        for (int j = 0; j < columns; j++) to[j] = b[j];
}

static void large_product(int m, int n, int k, int adds, MATRICES, double *room) {
    double *panel = room + TALL * DEEP;
    for (int deep = 0; deep < k; deep += DEEP, adds = 1) {
        int depth = least(k - deep, DEEP);
        for (int top = 0; top < m; top += TALL) {
            int rows = least(m - top, TALL);
            in_fours(rows, depth, a + top * a_row + deep * a_column, a_row, a_column, room);
            for (int left = 0; left < n; left += 2 * LANES) {
                int columns = least(n - left, 2 * LANES), i = 0;
                double *to = c + top * c_row + left;
                in_a_panel(columns, depth, b + deep * b_row + left, b_row, panel);
                for (; i + 4 <= rows; i += 4)
                    four_rows(columns, depth, adds, room + i * depth, 1, 4, panel, 2 * LANES,
                              to + i * c_row, c_row);
                for (; i < rows; i++)
                    one_row(columns, depth, adds, room + i / 4 * 4 * depth + i % 4, 1, 4, panel,
                            2 * LANES, to + i * c_row, c_row);
            }
        }
    }
}
