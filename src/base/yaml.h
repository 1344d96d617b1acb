#ifndef RB_BASE_YAML_H
#define RB_BASE_YAML_H

#include "base/diagnostics.h"

#include <glib.h>

/*
 * YAML as our files use it: one document, plain tree, every node with its place. Anchors, aliases, tags,
 * merge keys, duplicate keys and bytes that are not UTF-8 are mistakes. Scalars stay text; a reader asks for
 * the type it wants. Reading a field that is missing or of the wrong type adds a diagnostic and returns a
 * harmless default.
 */

enum {
    RB_YAML_MAX_SIZE = 16 * 1024 * 1024, /* bytes of one file */
    RB_YAML_MAX_DEPTH = 32,
    RB_YAML_MAX_NODES = 4000000,
};

typedef enum { RB_YAML_SCALAR, RB_YAML_LIST, RB_YAML_MAP } RbYamlKind;

typedef struct RbYaml RbYaml;
typedef struct RbYamlDocument RbYamlDocument;

/**
 * rb_yaml_parse: parses @bytes; mistakes go to @problems under the name @file, which is also the name shown
 * later. Returns: (transfer full): the document, or NULL when there was a mistake
 */
RbYamlDocument *rb_yaml_parse(const char *file, GBytes *bytes, RbDiagnostics *problems);

/** rb_yaml_load: reads @path (shown as @file) and parses it. */
RbYamlDocument *rb_yaml_load(const char *path, const char *file, RbDiagnostics *problems);

void rb_yaml_document_free(RbYamlDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbYamlDocument, rb_yaml_document_free)

/** rb_yaml_root: the top node; nodes live as long as their document. */
const RbYaml *rb_yaml_root(const RbYamlDocument *document);

RbYamlKind rb_yaml_kind(const RbYaml *node);
const char *rb_yaml_file(const RbYaml *node);
guint rb_yaml_line(const RbYaml *node);
guint rb_yaml_column(const RbYaml *node);

/** rb_yaml_text: a scalar's text; NULL for lists and maps. */
const char *rb_yaml_text(const RbYaml *node);

/** rb_yaml_quoted: TRUE for a scalar in quotes or block style: "0123" stays text where 0123 would be a
 * number. */
gboolean rb_yaml_quoted(const RbYaml *node);

/** rb_yaml_is_null: an unquoted empty scalar, ~ or null. */
gboolean rb_yaml_is_null(const RbYaml *node);

/** rb_yaml_size: entries of a list or map. */
guint rb_yaml_size(const RbYaml *node);

/** rb_yaml_item: entry @i of a list, or the value of entry @i of a map. */
const RbYaml *rb_yaml_item(const RbYaml *node, guint i);

/** rb_yaml_key: the key of entry @i of a map, as a scalar node with its own place. */
const RbYaml *rb_yaml_key(const RbYaml *node, guint i);

/** rb_yaml_get: the value of @key in a map; NULL when there is none or @node is not a map. */
const RbYaml *rb_yaml_get(const RbYaml *node, const char *key);

/** rb_yaml_problem: adds an error at @node's place. */
void rb_yaml_problem(const RbYaml *node, RbDiagnostics *problems, const char *hint, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/** rb_yaml_field_problem: the same at the value of @key in @node, or at @node where it has none. */
void rb_yaml_field_problem(const RbYaml *node, const char *key, RbDiagnostics *problems, const char *hint,
                           const char *message);

/**
 * rb_yaml_expect: adds an error when @node is not of @kind.
 * Returns: TRUE when it is
 */
gboolean rb_yaml_expect(const RbYaml *node, RbYamlKind kind, RbDiagnostics *problems);

/**
 * rb_yaml_check_keys: @node must be a map whose keys are all among the NULL-terminated @known; each other key
 * is an error with "did you mean".
 */
gboolean rb_yaml_check_keys(const RbYaml *node, const char *const *known, RbDiagnostics *problems);

/** rb_yaml_check_version: the map must start with `rolebridge: 1`. */
gboolean rb_yaml_check_version(const RbYaml *root, RbDiagnostics *problems);

/**
 * rb_yaml_string: the text of field @key of map @node. Missing: @fallback, or an error when @fallback is
 * NULL. Returns: (transfer none): text that lives as long as the document (or @fallback); "" after an error
 */
const char *rb_yaml_string(const RbYaml *node, const char *key, const char *fallback,
                           RbDiagnostics *problems);

/** rb_yaml_bool: `true` or `false`. */
gboolean rb_yaml_bool(const RbYaml *node, const char *key, gboolean fallback, RbDiagnostics *problems);

/** rb_yaml_integer: a decimal integer within [@min, @max]. */
gint64 rb_yaml_integer(const RbYaml *node, const char *key, gint64 min, gint64 max, gint64 fallback,
                       RbDiagnostics *problems);

/** rb_yaml_duration_s: "90s", "15m", "8h", "7d" as seconds within [@min_s, @max_s]. */
gint64 rb_yaml_duration_s(const RbYaml *node, const char *key, gint64 min_s, gint64 max_s, gint64 fallback_s,
                          RbDiagnostics *problems);

/**
 * rb_yaml_strings: a list of scalars, or one scalar as a list of one. Missing: an empty list.
 * Returns: (transfer full): a NULL-terminated array
 */
GStrv rb_yaml_strings(const RbYaml *node, const char *key, RbDiagnostics *problems);

#endif
