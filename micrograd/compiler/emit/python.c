/* What Python is asked in one call: whether guards hold, and if so, for a step of a training.

   It is built without Python's headers: functions of its stable interface come by address. Objects
   are compared by address as well; whoever gives addresses keeps the objects. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void object;
typedef uintptr_t word;

/* In this order they are given. NULL stands for no error, or for nothing being there. */
static struct {
    object *none;
    int (*next_item)(object *dict, ptrdiff_t *at, object **key, object **value);
    ptrdiff_t (*size)(object *dict);
    object *(*item)(object *dict, object *key);
    object *(*contents)(object *cell); /* a new reference */
    object *(*code)(object *function);
    object *(*defaults)(object *function);
    object *(*keyword_defaults)(object *function);
    void (*keep)(object *);
    void (*release)(object *);
    object *(*error)(void);
    void (*clear_error)(void);
    void *(*pointer)(object *integer);
    double (*number)(object *);
    object *(*real)(double);
    object *(*truth)(long);
    int (*set)(object *, object *name, object *value);
    void *(*pause)(void); /* others may run */
    void (*go_on)(void *);
} python;

EXPORT void micrograd_python(const word *given) { memcpy(&python, given, sizeof python); }

/* Guards are a row of them, each a kind, an object, and what was there. */
enum { END, LIST, DICT, NAMES, CELL, TYPE, FUNCTION };
enum { KIND = 1, SIZE = 2, ITEMS = 3 }; /* the words of a list; of any object, where its class is */

static int is_at(const object *found, word address) {
    return (word)(found ? found : python.none) == address;
}

static int is_dict(object *dict, word count, const word *items) {
    object *key, *value;
    ptrdiff_t at = 0;
    if ((word)python.size(dict) != count) return 0;
    for (; count > 0; count--, items += 2) {
        if (!python.next_item(dict, &at, &key, &value)) return 0;
        if ((word)key != items[0] || (word)value != items[1]) return 0;
    }
    return 1;
}

static int has_names(object *namespace, word count, const word *items) {
    for (; count > 0; count--, items += 2)
        if ((word)python.item(namespace, (object *)items[0]) != items[1]) return 0;
    return 1;
}

static int is_in_cell(object *cell, word address) {
    object *found = python.contents(cell);
    if (found) python.release(found);
    return (word)found == address;
}

static int hold(const word *w) {
    for (;;) {
        object *x = (object *)w[1];
        const word *words = x;
        switch (*w) {
        case LIST:
            if (words[SIZE] != w[2]) return 0;
            if (w[2] && memcmp((void *)words[ITEMS], w + 3, w[2] * sizeof *w)) return 0;
            w += 3 + w[2];
            break;
        case DICT:
            if (!is_dict(x, w[2], w + 3)) return 0;
            w += 3 + 2 * w[2];
            break;
        case NAMES:
            if (!has_names(x, w[2], w + 3)) return 0;
            w += 3 + 2 * w[2];
            break;
        case CELL:
            if (!is_in_cell(x, w[2])) return 0;
            w += 3;
            break;
        case TYPE:
            if (words[KIND] != w[2]) return 0;
            w += 3;
            break;
        case FUNCTION:
            if (!is_at(python.code(x), w[2]) || !is_at(python.defaults(x), w[3])) return 0;
            if (!is_at(python.keyword_defaults(x), w[4])) return 0;
            w += 5;
            break;
        default: return 1;
        }
    }
}

/* The same, with no error left behind. */
static int guards_hold(const word *guards) {
    int found = hold(guards);
    if (python.error()) {
        python.clear_error();
        return 0;
    }
    return found;
}

/* Functions of Python, whose `self` is a number: where the guards are, or the call. */

static object *are_held(object *self, object *const *arguments, ptrdiff_t count) {
    return python.truth(guards_hold(python.pointer(self)));
}

typedef struct {
    const word *guards;
    int (*step)(double *v, const int *t, void *call, const void *training, const double *now,
                double *new, const double *rates);
    double *v;
    const int *t;
    const void *training;
    const double *now, *loss;
    double *new;
    object *changed[2][3]; /* objects, and which of their attributes is what after a step */
    object *counter, *count;
} call;

enum { MOST_RATES = 8 };

static int made(const call *c, const double *rates, double *loss) {
    void *thread = python.pause();
    int done = c->step(c->v, c->t, NULL, c->training, c->now, c->new, rates);
    python.go_on(thread);
    *loss = *c->loss;
    return done;
}

/* The loss before a step, given the number of steps then, and the rates; None where that could not
   be made. Nothing comes between the changes that are a step. */
static object *stepped(object *self, object *const *arguments, ptrdiff_t several) {
    const call *c = python.pointer(self);
    double rates[MOST_RATES], loss;
    int known = 0 < several && several <= MOST_RATES + 1;
    for (ptrdiff_t i = 1; known && i < several; i++) rates[i - 1] = python.number(arguments[i]);
    if (!known || !guards_hold(c->guards) || !made(c, rates, &loss)) {
        python.keep(python.none);
        return python.none;
    }
    for (int i = 0; i < 2; i++)
        if (python.set(c->changed[i][0], c->changed[i][1], c->changed[i][2])) return NULL;
    return python.set(c->counter, c->count, arguments[0]) ? NULL : python.real(loss);
}

typedef struct {
    const char *name;
    object *(*function)(object *, object *const *, ptrdiff_t);
    int takes;
    const char *text;
} method;

enum { AN_ARRAY = 0x80 };

EXPORT method micrograd_hold = {"hold", are_held, AN_ARRAY, NULL};
EXPORT method micrograd_stepped = {"step", stepped, AN_ARRAY, NULL};
