#ifndef RB_MAPPING_ARENA_H
#define RB_MAPPING_ARENA_H

#include <glib.h>

/** RbArena: memory that is freed all at once: what a snapshot or a decision is made of. */
typedef struct {
    GPtrArray *blocks;
    char *next;
    gsize left;
} RbArena;

void rb_arena_init(RbArena *arena);
void rb_arena_clear(RbArena *arena);

/** rb_arena_alloc: @size zeroed bytes, aligned for any of our structs. */
gpointer rb_arena_alloc(RbArena *arena, gsize size);

/** rb_arena_text, rb_arena_take: a copy of @text (NULL stays NULL); the second frees the original. */
char *rb_arena_text(RbArena *arena, const char *text);
char *rb_arena_take(RbArena *arena, char *text);

/** rb_arena_print: what printf would write. */
char *rb_arena_print(RbArena *arena, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** rb_arena_join: the NULL-terminated @parts as one text. */
char *rb_arena_join(RbArena *arena, const char *const *parts);

#endif
