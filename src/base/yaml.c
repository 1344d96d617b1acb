#include "base/yaml.h"

#include "base/encoding.h"
#include "base/file.h"

#include <string.h>
#include <yaml.h>

struct RbYaml {
    RbYamlKind kind;
    guint line, column, size;
    gboolean quoted;
    const char *file;  /* the document's */
    char *text;        /* scalar; the document's */
    RbYaml **items;    /* list items, map values: size of them, the document's */
    RbYaml **keys;     /* map */
    GHashTable *index; /* map of more than SMALL_MAP keys: text → value */
};

enum {
    SLAB = 512,    /* nodes allocated at once */
    SMALL_MAP = 8, /* keys that are looked for one by one */
    BLOCK = 4096   /* places for children allocated at once */
};

struct RbYamlDocument {
    char *file;
    GPtrArray *slabs;    /* arrays of SLAB nodes each */
    guint n_nodes;       /* in all slabs */
    GPtrArray *blocks;   /* where the nodes' items and keys are */
    RbYaml **place;      /* the next free one */
    gsize places;        /* how many are left */
    GStringChunk *texts; /* of scalars */
    const RbYaml *root;
};

/* What reading needs while it is under way. */
typedef struct {
    RbYamlDocument *document;
    RbDiagnostics *problems;
    GPtrArray *open; /* children of the nodes that have not ended yet; of maps, keys and values in turn */
    yaml_parser_t parser;
    guint errors_before;
} Reader;

static void
slab_free(gpointer data)
{
    RbYaml *nodes = data; /* those not used are all zero */

    for (guint i = 0; i < SLAB; i++)
        g_clear_pointer(&nodes[i].index, g_hash_table_unref);
    g_free(nodes);
}

void
rb_yaml_document_free(RbYamlDocument *document)
{
    if (document == NULL)
        return;
    g_ptr_array_unref(document->slabs);
    g_ptr_array_unref(document->blocks);
    g_string_chunk_free(document->texts);
    g_free(document->file);
    g_free(document);
}

static gboolean
fail_at(Reader *r, yaml_mark_t mark, const char *message, const char *hint)
{
    rb_diagnostics_error(r->problems, r->document->file, (guint)mark.line + 1, (guint)mark.column + 1, hint,
                         "%s", message);
    return FALSE;
}

static gboolean
next_event(Reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return TRUE;
    return fail_at(r, r->parser.problem_mark,
                   r->parser.problem != NULL ? r->parser.problem : "not valid YAML", NULL);
}

static RbYaml *
node_new(Reader *r, RbYamlKind kind, yaml_mark_t mark)
{
    RbYamlDocument *document = r->document;
    RbYaml *node;

    if (document->n_nodes % SLAB == 0)
        g_ptr_array_add(document->slabs, g_new0(RbYaml, SLAB));
    node =
        (RbYaml *)g_ptr_array_index(document->slabs, document->slabs->len - 1) + document->n_nodes++ % SLAB;
    node->kind = kind;
    node->line = (guint)mark.line + 1;
    node->column = (guint)mark.column + 1;
    node->file = r->document->file;
    return node;
}

static RbYaml **
places_new(RbYamlDocument *document, gsize n)
{
    RbYaml **first;

    if (n > document->places) {
        document->places = MAX(n, (gsize)BLOCK);
        document->place = g_new(RbYaml *, document->places);
        g_ptr_array_add(document->blocks, document->place);
    }
    first = document->place;
    document->place += n;
    document->places -= n;
    return first;
}

/* Gives @node, which has ended, its children: those open since @base. */
static void
keep_children(Reader *r, RbYaml *node, guint base)
{
    guint n = r->open->len - base;
    RbYaml **from = (RbYaml **)r->open->pdata + base;

    node->size = node->kind == RB_YAML_MAP ? n / 2 : n;
    if (n == 0)
        return;
    node->items = places_new(r->document, n);
    if (node->kind == RB_YAML_MAP) {
        node->keys = node->items + node->size;
        for (guint i = 0; i < node->size; i++) {
            node->keys[i] = from[2 * i];
            node->items[i] = from[2 * i + 1];
        }
    } else {
        memcpy(node->items, from, n * sizeof(RbYaml *));
    }
    g_ptr_array_set_size(r->open, (gint)base);
}

static RbYaml *read_node(Reader *r, const yaml_event_t *event, guint depth);

static RbYaml *
read_scalar(Reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    RbYaml *node;

    if (strlen(text) != event->data.scalar.length) {
        fail_at(r, event->start_mark, "a NUL character in a value", NULL);
        return NULL;
    }
    node = node_new(r, RB_YAML_SCALAR, event->start_mark);
    node->text = g_string_chunk_insert_len(r->document->texts, text, (gssize)event->data.scalar.length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return node;
}

/* The last two of the children of @map, open since @base, are a key and its value. */
static void
check_pair(Reader *r, RbYaml *map, guint base)
{
    RbYaml **pairs = (RbYaml **)r->open->pdata + base;
    guint n = (r->open->len - base) / 2;
    const RbYaml *key = pairs[2 * n - 2];
    gboolean twice = map->index != NULL && g_hash_table_contains(map->index, key->text);

    for (guint i = 0; map->index == NULL && i + 1 < n; i++)
        twice = twice || g_str_equal(pairs[2 * i]->text, key->text);
    if (twice) {
        g_autofree char *quoted = rb_text_quote(key->text);
        rb_yaml_problem(key, r->problems, "keep one of them", "the key %s appears twice", quoted);
    }
    if (map->index != NULL) {
        g_hash_table_insert(map->index, key->text, pairs[2 * n - 1]);
    } else if (n > SMALL_MAP) {
        map->index = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < n; i++)
            g_hash_table_insert(map->index, pairs[2 * i]->text, pairs[2 * i + 1]);
    }
}

/* Reads children until the end event of @node. */
static gboolean
read_children(Reader *r, RbYaml *node, guint depth)
{
    guint base = r->open->len;

    for (;;) {
        yaml_event_t event;
        gboolean is_key = node->kind == RB_YAML_MAP && (r->open->len - base) % 2 == 0;
        RbYaml *child;
        if (!next_event(r, &event))
            return FALSE;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            keep_children(r, node, base);
            return TRUE;
        }
        child = read_node(r, &event, depth + 1);
        if (child != NULL && is_key && child->kind != RB_YAML_SCALAR) {
            fail_at(r, event.start_mark, "a key must be plain text", NULL);
            child = NULL;
        }
        yaml_event_delete(&event);
        if (child == NULL)
            return FALSE;
        g_ptr_array_add(r->open, child);
        if (node->kind == RB_YAML_MAP && !is_key)
            check_pair(r, node, base);
    }
}

static const char *
anchor_of(const yaml_event_t *event)
{
    const yaml_char_t *anchor = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
                                : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                                           : event->data.mapping_start.anchor;
    return (const char *)anchor;
}

static const char *
tag_of(const yaml_event_t *event)
{
    const yaml_char_t *tag = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag
                             : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
                                                                        : event->data.mapping_start.tag;
    return (const char *)tag;
}

static RbYaml *
read_node(Reader *r, const yaml_event_t *event, guint depth)
{
    RbYaml *node;

    if (event->type == YAML_ALIAS_EVENT || (event->type != YAML_NO_EVENT && anchor_of(event) != NULL))
        return fail_at(r, event->start_mark, "anchors and aliases are not used here", "write the value out"),
               NULL;
    if (tag_of(event) != NULL)
        return fail_at(r, event->start_mark, "tags are not used here", "leave the !tag out"), NULL;
    if (depth > RB_YAML_MAX_DEPTH)
        return fail_at(r, event->start_mark, "nested too deeply", NULL), NULL;
    if (r->document->n_nodes >= RB_YAML_MAX_NODES)
        return fail_at(r, event->start_mark, "too many values in one file", "split the file"), NULL;
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(r, event);
    node =
        node_new(r, event->type == YAML_SEQUENCE_START_EVENT ? RB_YAML_LIST : RB_YAML_MAP, event->start_mark);
    return read_children(r, node, depth) ? node : NULL;
}

/* Stream: start, one document with its root, end. */
static gboolean
read_stream(Reader *r)
{
    yaml_event_t event;
    yaml_event_type_t type;
    guint documents = 0;

    do {
        gboolean ok = TRUE;
        if (!next_event(r, &event))
            return FALSE;
        type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            ok = fail_at(r, event.start_mark, "a second document in this file", "keep one document a file");
        else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                 type == YAML_MAPPING_START_EVENT || type == YAML_ALIAS_EVENT)
            ok = (r->document->root = read_node(r, &event, 1)) != NULL;
        yaml_event_delete(&event);
        if (!ok)
            return FALSE;
    } while (type != YAML_STREAM_END_EVENT);
    return documents == 1 || fail_at(r, (yaml_mark_t){ 0 }, "the file is empty", NULL);
}

RbYamlDocument *
rb_yaml_parse(const char *file, GBytes *bytes, RbDiagnostics *problems)
{
    Reader r = { .problems = problems, .errors_before = rb_diagnostics_count(problems) };
    g_autoptr(RbYamlDocument) document = g_new0(RbYamlDocument, 1);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    gboolean ok;

    document->file = g_strdup(file);
    document->slabs = g_ptr_array_new_with_free_func(slab_free);
    document->blocks = g_ptr_array_new_with_free_func(g_free);
    document->texts = g_string_chunk_new(16 * 1024);
    r.document = document;
    rb_diagnostics_source(problems, file, bytes);
    if (size > RB_YAML_MAX_SIZE) {
        rb_diagnostics_error(problems, file, 0, 0, "split the file", "larger than %d bytes",
                             RB_YAML_MAX_SIZE);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser))
        g_error("out of memory");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(data != NULL ? data : ""), size);
    r.open = g_ptr_array_new();
    ok = read_stream(&r);
    g_ptr_array_unref(r.open);
    yaml_parser_delete(&r.parser);
    return ok && rb_diagnostics_count(problems) == r.errors_before ? g_steal_pointer(&document) : NULL;
}

RbYamlDocument *
rb_yaml_load(const char *path, const char *file, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rb_file_read(path, RB_YAML_MAX_SIZE, &error);

    if (bytes == NULL) {
        rb_diagnostics_error(problems, file, 0, 0, NULL, "%s", error->message);
        return NULL;
    }
    return rb_yaml_parse(file, bytes, problems);
}

const RbYaml *
rb_yaml_root(const RbYamlDocument *document)
{
    return document->root;
}

RbYamlKind
rb_yaml_kind(const RbYaml *node)
{
    return node->kind;
}

const char *
rb_yaml_file(const RbYaml *node)
{
    return node->file;
}

guint
rb_yaml_line(const RbYaml *node)
{
    return node->line;
}

guint
rb_yaml_column(const RbYaml *node)
{
    return node->column;
}

const char *
rb_yaml_text(const RbYaml *node)
{
    return node->text;
}

gboolean
rb_yaml_quoted(const RbYaml *node)
{
    return node->quoted;
}

gboolean
rb_yaml_is_null(const RbYaml *node)
{
    return node->kind == RB_YAML_SCALAR && !node->quoted &&
           (*node->text == '\0' || g_str_equal(node->text, "~") || g_str_equal(node->text, "null"));
}

guint
rb_yaml_size(const RbYaml *node)
{
    return node->size;
}

const RbYaml *
rb_yaml_item(const RbYaml *node, guint i)
{
    return node->items[i];
}

const RbYaml *
rb_yaml_key(const RbYaml *node, guint i)
{
    return node->keys[i];
}

const RbYaml *
rb_yaml_get(const RbYaml *node, const char *key)
{
    if (node->index != NULL)
        return g_hash_table_lookup(node->index, key);
    for (guint i = 0; node->keys != NULL && i < node->size; i++)
        if (g_str_equal(node->keys[i]->text, key))
            return node->items[i];
    return NULL;
}

void
rb_yaml_problem(const RbYaml *node, RbDiagnostics *problems, const char *hint, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    rb_diagnostics_error(problems, node->file, node->line, node->column, hint, "%s", message);
}

void
rb_yaml_field_problem(const RbYaml *node, const char *key, RbDiagnostics *problems, const char *hint,
                      const char *message)
{
    const RbYaml *field = rb_yaml_get(node, key);

    rb_yaml_problem(field == NULL ? node : field, problems, hint, "%s", message);
}

gboolean
rb_yaml_expect(const RbYaml *node, RbYamlKind kind, RbDiagnostics *problems)
{
    static const char *const names[] = { "plain text", "a list", "a map" };

    if (node->kind == kind)
        return TRUE;
    rb_yaml_problem(node, problems, NULL, "expected %s, found %s", names[kind], names[node->kind]);
    return FALSE;
}

gboolean
rb_yaml_check_keys(const RbYaml *node, const char *const *known, RbDiagnostics *problems)
{
    gboolean ok = TRUE;

    if (!rb_yaml_expect(node, RB_YAML_MAP, problems))
        return FALSE;
    for (guint i = 0; i < rb_yaml_size(node); i++) {
        const RbYaml *key = rb_yaml_key(node, i);
        const char *near;
        g_autofree char *quoted = NULL, *hint = NULL, *all = NULL;
        if (g_strv_contains(known, key->text))
            continue;
        ok = FALSE;
        quoted = rb_text_quote(key->text);
        near = rb_text_nearest(key->text, known);
        all = g_strjoinv(", ", (char **)known);
        hint = near != NULL ? g_strdup_printf("did you mean '%s'?", near)
                            : g_strdup_printf("known here: %s", all);
        rb_yaml_problem(key, problems, hint, "unknown key %s", quoted);
    }
    return ok;
}

gboolean
rb_yaml_check_version(const RbYaml *root, RbDiagnostics *problems)
{
    const RbYaml *version;

    if (!rb_yaml_expect(root, RB_YAML_MAP, problems))
        return FALSE;
    version = rb_yaml_get(root, "rolebridge");
    if (version == NULL || version->kind != RB_YAML_SCALAR || !g_str_equal(version->text, "1")) {
        rb_yaml_problem(version != NULL ? version : root, problems, "start the file with 'rolebridge: 1'",
                        version != NULL ? "unknown format version" : "no format version");
        return FALSE;
    }
    return TRUE;
}

/* The scalar under @key; NULL when missing or, with an error, of another kind. */
static const RbYaml *
scalar(const RbYaml *node, const char *key, RbDiagnostics *problems)
{
    const RbYaml *value = rb_yaml_get(node, key);

    if (value == NULL || !rb_yaml_expect(value, RB_YAML_SCALAR, problems))
        return NULL;
    return value;
}

const char *
rb_yaml_string(const RbYaml *node, const char *key, const char *fallback, RbDiagnostics *problems)
{
    const RbYaml *value = scalar(node, key, problems);

    if (value != NULL && !rb_yaml_is_null(value))
        return value->text;
    if (rb_yaml_get(node, key) != NULL && value == NULL)
        return fallback != NULL ? fallback : ""; /* already reported */
    if (fallback == NULL) {
        rb_yaml_problem(value != NULL ? value : node, problems, NULL, "'%s' is missing", key);
        return "";
    }
    return fallback;
}

gboolean
rb_yaml_bool(const RbYaml *node, const char *key, gboolean fallback, RbDiagnostics *problems)
{
    const RbYaml *value = scalar(node, key, problems);

    if (value == NULL)
        return fallback;
    if (!value->quoted && g_str_equal(value->text, "true"))
        return TRUE;
    if (!value->quoted && g_str_equal(value->text, "false"))
        return FALSE;
    rb_yaml_problem(value, problems, "write true or false", "'%s' is not a yes or no", key);
    return fallback;
}

gint64
rb_yaml_integer(const RbYaml *node, const char *key, gint64 min, gint64 max, gint64 fallback,
                RbDiagnostics *problems)
{
    const RbYaml *value = scalar(node, key, problems);
    g_autoptr(GError) error = NULL;
    gint64 n;

    if (value == NULL)
        return fallback;
    if (!value->quoted && g_ascii_string_to_signed(value->text, 10, min, max, &n, &error))
        return n;
    rb_yaml_problem(value, problems, NULL,
                    "'%s' must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, key, min,
                    max);
    return fallback;
}

gint64
rb_yaml_duration_s(const RbYaml *node, const char *key, gint64 min_s, gint64 max_s, gint64 fallback_s,
                   RbDiagnostics *problems)
{
    const RbYaml *value = scalar(node, key, problems);
    gint64 s;

    if (value == NULL)
        return fallback_s;
    if (!rb_duration_parse(value->text, &s)) {
        rb_yaml_problem(value, problems, "write a number and s, m, h or d, like 8h", "'%s' is not a duration",
                        key);
        return fallback_s;
    }
    if (s < min_s || s > max_s) {
        rb_yaml_problem(value, problems, NULL,
                        "'%s' must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                        " seconds, this is %" G_GINT64_FORMAT,
                        key, min_s, max_s, s);
        return fallback_s;
    }
    return s;
}

GStrv
rb_yaml_strings(const RbYaml *node, const char *key, RbDiagnostics *problems)
{
    const RbYaml *value = rb_yaml_get(node, key);
    GPtrArray *list = g_ptr_array_new();
    guint n = value == NULL ? 0 : value->kind == RB_YAML_SCALAR ? 1 : rb_yaml_size(value);

    if (value != NULL && value->kind == RB_YAML_MAP) {
        (void)rb_yaml_expect(value, RB_YAML_LIST, problems);
        n = 0;
    }
    for (guint i = 0; i < n; i++) {
        const RbYaml *item = value->kind == RB_YAML_SCALAR ? value : rb_yaml_item(value, i);
        if (rb_yaml_expect(item, RB_YAML_SCALAR, problems))
            g_ptr_array_add(list, g_strdup(item->text));
    }
    g_ptr_array_add(list, NULL);
    return (GStrv)g_ptr_array_free(list, FALSE);
}
