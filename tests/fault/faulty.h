#ifndef RB_TESTS_FAULTY_H
#define RB_TESTS_FAULTY_H

#include "store/store.h"

/*
 * A store that works like any other, but for its n-th call. Calls are counted where the store meets the
 * database: a read is one, a commit is three or more (begin, each batch, commit). A test runs its scenario
 * for n = 1, 2, 3, … until it gets through without the failure having come.
 */
typedef struct RbFaulty RbFaulty;

typedef enum {
    RB_FAULTY_BEFORE, /* the call fails and does nothing */
    RB_FAULTY_AFTER,  /* the call does its work, and then its answer is lost */
} RbFaultyMode;

/** rb_faulty_open: the store at @uri ("sqlite:…"), to be broken by @faulty, which lives as long as the store.
 */
RbStore *rb_faulty_open(const char *uri, RbFaulty **faulty, GError **error);

/** rb_faulty_arm: the @n-th call from now fails (n from 1), once. 0: none does. */
void rb_faulty_arm(RbFaulty *faulty, guint n, RbFaultyMode mode);

/** rb_faulty_fired: whether the failure that was armed has come. */
gboolean rb_faulty_fired(RbFaulty *faulty);

#endif
