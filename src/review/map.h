#ifndef RB_REVIEW_MAP_H
#define RB_REVIEW_MAP_H

#include "mapping/library.h"

/* The mapping as a picture: groups → roles → accounts. */

typedef struct {
    const char *group, *role, *account; /* only what leads through it; NULL: all. An account by name or id */
} RbMapLook;

/**
 * rb_map_dot: (transfer full): a graph in Graphviz's language. A role stands once for each set of accounts in
 * which somebody has it, so that every path from left to right is access that is really given. Where there
 * are too many accounts to be read, those of one environment are one node. Same snapshot, same bytes. NULL:
 * nothing leads through what @look asks for
 */
char *rb_map_dot(const RbSnapshot *snapshot, const RbMapLook *look);

#endif
