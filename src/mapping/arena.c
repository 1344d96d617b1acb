#include "mapping/arena.h"

#include <string.h>

enum { BLOCK = 16 * 1024, ALIGN = 16 };

void
rb_arena_init(RbArena *arena)
{
    arena->blocks = g_ptr_array_new_with_free_func(g_free);
    arena->next = NULL;
    arena->left = 0;
}

void
rb_arena_clear(RbArena *arena)
{
    g_clear_pointer(&arena->blocks, g_ptr_array_unref);
    arena->next = NULL;
    arena->left = 0;
}

gpointer
rb_arena_alloc(RbArena *arena, gsize size)
{
    gsize rounded = (size + ALIGN - 1) & ~(gsize)(ALIGN - 1);
    gpointer out;

    if (rounded > BLOCK / 4) { /* a block of its own, so that little is wasted */
        out = g_malloc0(rounded);
        g_ptr_array_add(arena->blocks, out);
        return out;
    }
    if (rounded > arena->left) {
        arena->next = g_malloc(BLOCK);
        arena->left = BLOCK;
        g_ptr_array_add(arena->blocks, arena->next);
    }
    out = arena->next;
    arena->next += rounded;
    arena->left -= rounded;
    return memset(out, 0, rounded);
}

char *
rb_arena_text(RbArena *arena, const char *text)
{
    gsize size;

    if (text == NULL)
        return NULL;
    size = strlen(text) + 1;
    return memcpy(rb_arena_alloc(arena, size), text, size);
}

char *
rb_arena_take(RbArena *arena, char *text)
{
    char *copy = rb_arena_text(arena, text);

    g_free(text);
    return copy;
}

char *
rb_arena_print(RbArena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    return rb_arena_take(arena, text);
}

char *
rb_arena_join(RbArena *arena, const char *const *parts)
{
    gsize size = 1;
    char *out, *p;

    for (guint i = 0; parts[i] != NULL; i++)
        size += strlen(parts[i]);
    p = out = rb_arena_alloc(arena, size);
    for (guint i = 0; parts[i] != NULL; i++)
        p = g_stpcpy(p, parts[i]);
    return out;
}
