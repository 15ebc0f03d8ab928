/* Steps of a training: forward, backward and the optimizer's update, as training.py does them with
   NumPy, operation by operation. Tables of rows are the parameters, and what the optimizer keeps. */

int forward(double *restrict v, const int *restrict t, callback call);
int backward(double *restrict v, const int *restrict t, callback call);

/* Names of their own: a process has many, and other libraries', which might be taken instead. */
EXPORT int micrograd_forward(double *v, const int *t, callback call) { return forward(v, t, call); }
EXPORT int micrograd_backward(double *v, const int *t, callback call) {
    return backward(v, t, call);
}

typedef struct {
    long size, rows, outputs, seeds;
    const int *gradients, *leaves, *results; /* their places in v */
    double *grads, *room;
} training;

static inline int is_odd(double x) { return !(fabs(x) <= 0x1.fffffffffffffp1023); }

/* Each moves the parameters from `now` to `new`, and keeps their gradients; it returns whether an
   infinite number or nan has come about. */
static int moved_by_sgd(const training *s, const double *restrict v, const double *restrict now,
                        double *restrict new, const double *restrict rates) {
    double lr = rates[0], momentum = rates[1], decay = rates[2], *restrict grads = s->grads;
    const int *restrict at = s->gradients;
    long n = s->size;
    int odd = 0;
    for (long i = 0; i < n; i++) {
        double slope = v[at[i]], g = decay != 0.0 ? slope + now[i] * decay : slope;
        g = momentum != 0.0 ? now[n + i] * momentum + g : g;
        grads[i] = slope;
        new[n + i] = g;
        new[i] = now[i] - g * lr;
        odd |= is_odd(slope) | is_odd(g) | is_odd(new[i]);
    }
    return odd;
}

static int moved_by_adam(const training *s, const double *restrict v, const double *restrict now,
                         double *restrict new, const double *restrict rates) {
    double b1 = rates[0], rest1 = rates[1], b2 = rates[2], rest2 = rates[3];
    double scale = rates[4], eps = rates[5], lr = rates[6], *restrict grads = s->grads;
    const int *restrict at = s->gradients;
    long n = s->size;
    int odd = 0;
    for (long i = 0; i < n; i++) {
        double g = v[at[i]];
        double mean = now[n + i] * b1 + g * rest1, square = now[2 * n + i] * b2 + g * rest2 * g;
        grads[i] = g;
        new[n + i] = mean;
        new[2 * n + i] = square;
        new[i] = now[i] - mean / (sqrt(square * scale) + eps) * lr;
        odd |= is_odd(g) | is_odd(mean) | is_odd(square) | is_odd(new[i]);
    }
    return odd;
}

/* Back, and the parameters moved from `now` to `new`; 0 if that cannot be. */
static int step(double *v, const int *t, callback call, const training *s, const double *now,
                double *new, const double *rates) {
    for (long i = 0; i < s->outputs; i++) v[s->seeds + i] = i == 0;
    return backward(v, t, call) &&
           !(s->rows == 2 ? moved_by_sgd : moved_by_adam)(s, v, now, new, rates);
}

/* The parameters' numbers brought to their leaves, and forward. */
static int begun(double *restrict v, const int *t, callback call, const training *s,
                 const double *restrict now) {
    for (long i = 0; i < s->size; i++) v[s->leaves[i]] = now[i];
    return forward(v, t, call);
}

EXPORT int micrograd_step(double *v, const int *t, callback call, const training *s,
                          const double *now, double *new, const double *rates) {
    return step(v, t, call, s, now, new, rates);
}

EXPORT int micrograd_whole_step(double *v, const int *t, callback call, const training *s,
                                const double *now, double *new, const double *rates) {
    return begun(v, t, call, s, now) && step(v, t, call, s, now, new, rates);
}

/* So many steps, with rates of their own; what each computed goes to `results`. Returns how many
   were made: after fewer, the next one goes another way. */
EXPORT long micrograd_steps(double *v, const int *t, callback call, const training *s,
                            const double *now, double *new, const double *rates, long several,
                            long count, double *results) {
    long done = 0, numbers = s->rows * s->size;
    for (; done < count; done++, rates += several) {
        double *to = s->room + done % 2 * numbers;
        if (!begun(v, t, call, s, now)) break;
        for (long i = 0; i < s->outputs; i++) *results++ = v[s->results[i]];
        if (!step(v, t, call, s, now, to, rates)) break;
        now = to;
    }
    if (done)
        for (long i = 0; i < numbers; i++) new[i] = now[i];
    return done;
}
