#include "mapping/priv.h"

#include "base/encoding.h"

#include <string.h>

/* Session tags (STS AssumeRole): letters, digits, spaces and _.:/=+-@ of any script. */
static gboolean
is_tag_text(const char *text)
{
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        switch (g_unichar_type(c)) {
        case G_UNICODE_LOWERCASE_LETTER:
        case G_UNICODE_MODIFIER_LETTER:
        case G_UNICODE_OTHER_LETTER:
        case G_UNICODE_TITLECASE_LETTER:
        case G_UNICODE_UPPERCASE_LETTER:
        case G_UNICODE_DECIMAL_NUMBER:
        case G_UNICODE_LETTER_NUMBER:
        case G_UNICODE_OTHER_NUMBER:
        case G_UNICODE_SPACE_SEPARATOR:
            continue;
        default:
            if (c >= 0x80 || strchr("_.:/=+-@", (char)c) == NULL)
                return FALSE;
        }
    }
    return TRUE;
}

/* Cuts @text at its ${identity.…}: literal, attribute, literal, …, literal. */
static const char **
read_template(RbLoad *load, const RbYaml *node, const char *text)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    const char *open;
    const char **out;
    gsize n;

    while ((open = strstr(text, "${")) != NULL) {
        const char *close = strchr(open, '}');
        g_autofree char *name = g_strndup(open + 2, close == NULL ? 0 : (gsize)(close - open - 2));
        g_autofree char *before = g_strndup(text, (gsize)(open - text)), *quoted = rb_text_quote(name);
        if (close == NULL || !g_str_has_prefix(name, "identity.") || name[9] == '\0') {
            rb_yaml_problem(node, load->problems, "write ${identity.<attribute>}",
                            "unknown variable %s in a tag", quoted);
            break;
        }
        g_ptr_array_add(parts, (char *)rb_load_text(load, before));
        g_ptr_array_add(parts, (char *)rb_load_text(load, name + 9));
        text = close + 1;
    }
    g_ptr_array_add(parts, (char *)rb_load_text(load, text));
    n = parts->len * sizeof(char *);
    out = rb_arena_alloc(&load->snapshot->arena, n + sizeof(char *));
    memcpy(out, parts->pdata, n);
    return out;
}

static void
check_key(RbLoad *load, const RbYaml *key, GHashTable *seen)
{
    const char *text = rb_yaml_text(key);
    g_autofree char *quoted = rb_text_quote(text), *lower = g_utf8_strdown(text, -1);

    if (*text == '\0' || g_utf8_strlen(text, -1) > RB_TAG_KEY_MAX || !is_tag_text(text))
        rb_yaml_problem(key, load->problems, "1 to 128 letters, digits, spaces and _.:/=+-@",
                        "%s cannot be the key of a tag", quoted);
    else if (g_str_has_prefix(lower, "aws:"))
        rb_yaml_problem(key, load->problems, "choose another", "tag keys that start with aws: are AWS's own");
    else if (!g_hash_table_add(seen, g_steal_pointer(&lower)))
        rb_yaml_problem(key, load->problems, "keep one of them",
                        "AWS takes %s and another tag of this role for the same key", quoted);
}

static void
check_literals(RbLoad *load, const RbYaml *value, const char **parts)
{
    for (guint i = 0;; i += 2) {
        if (!is_tag_text(parts[i]) || g_utf8_strlen(parts[i], -1) > RB_TAG_VALUE_MAX)
            rb_yaml_problem(value, load->problems, "up to 256 letters, digits, spaces and _.:/=+-@",
                            "this cannot be the value of a tag");
        if (parts[i + 1] == NULL)
            return;
    }
}

static gint
by_key(gconstpointer a, gconstpointer b)
{
    return strcmp(((const RbTagTemplate *)a)->key, ((const RbTagTemplate *)b)->key);
}

void
rb_tags_read(RbLoad *load, RbRole *role, const RbYaml *node)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint n;
    RbTagTemplate *tags;

    if (!rb_yaml_expect(node, RB_YAML_MAP, load->problems))
        return;
    n = rb_yaml_size(node);
    if (n > RB_TAGS_MAX) {
        rb_yaml_problem(node, load->problems, NULL, "%u tags; AWS takes at most %d", n, RB_TAGS_MAX);
        return;
    }
    tags = rb_arena_alloc(&load->snapshot->arena, MAX(n, 1) * sizeof *tags);
    for (guint i = 0; i < n; i++) {
        const RbYaml *key = rb_yaml_key(node, i), *value = rb_yaml_item(node, i);
        check_key(load, key, seen);
        if (!rb_yaml_expect(value, RB_YAML_SCALAR, load->problems))
            continue;
        tags[role->n_tags].key = rb_load_text(load, rb_yaml_text(key));
        tags[role->n_tags].parts = read_template(load, value, rb_yaml_text(value));
        check_literals(load, value, tags[role->n_tags++].parts);
    }
    qsort(tags, role->n_tags, sizeof *tags, by_key);
    role->tags = tags;
}

/* Replaces @attribute by its one value. Returns: NULL, or why not. */
static const char *
append_attribute(GString *out, const RbIdentity *identity, const char *key, const char *attribute,
                 RbArena *arena)
{
    const char *const *values = rb_identity_attribute(identity, attribute);

    if (values == NULL || values[0] == NULL || *values[0] == '\0')
        return rb_arena_print(arena, "the tag %s needs the attribute '%s', which your sign-in does not state",
                              key, attribute);
    if (values[1] != NULL)
        return rb_arena_print(arena,
                              "the tag %s needs one value of the attribute '%s'; your sign-in states %u", key,
                              attribute, g_strv_length((char **)values));
    g_string_append(out, values[0]);
    return NULL;
}

static const char *
make_value(const RbTagTemplate *tag, const RbIdentity *identity, RbArena *arena, RbTag *out)
{
    g_autoptr(GString) text = g_string_new(tag->parts[0]);

    for (guint i = 1; tag->parts[i] != NULL; i += 2) {
        const char *wrong = append_attribute(text, identity, tag->key, tag->parts[i], arena);
        if (wrong != NULL)
            return wrong;
        g_string_append(text, tag->parts[i + 1]);
    }
    if (g_utf8_strlen(text->str, -1) > RB_TAG_VALUE_MAX)
        return rb_arena_print(arena, "the value of the tag %s is longer than %d characters", tag->key,
                              RB_TAG_VALUE_MAX);
    if (!is_tag_text(text->str))
        return rb_arena_print(arena, "the value of the tag %s has characters that AWS does not take",
                              tag->key);
    *out = (RbTag){ tag->key, rb_arena_text(arena, text->str) };
    return NULL;
}

const char *
rb_tags_make(const RbRole *role, const RbIdentity *identity, RbArena *arena, const RbTag **tags)
{
    RbTag *made = rb_arena_alloc(arena, MAX(role->n_tags, 1) * sizeof *made);

    for (guint i = 0; i < role->n_tags; i++) {
        const char *wrong = make_value(&role->tags[i], identity, arena, &made[i]);
        if (wrong != NULL)
            return wrong;
    }
    *tags = made;
    return NULL;
}
