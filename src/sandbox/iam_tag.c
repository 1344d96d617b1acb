#include "sandbox/iam_priv.h"

#include <string.h>

enum { MAX_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256 };

/* Letters of any language, digits, blanks and some signs. */
static gboolean
is_tag_text(const char *text)
{
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);

        if (!g_unichar_isalnum(c) && !g_unichar_isspace(c) &&
            (c > 0x7f || strchr("_.:/=+-@", (int)c) == NULL))
            return FALSE;
    }
    return TRUE;
}

static gssize
find_tag(const json_t *tags, const char *key)
{
    g_autofree char *folded = g_utf8_strdown(key, -1);
    const json_t *tag;
    size_t i;

    json_array_foreach(tags, i, tag)
    {
        g_autofree char *other = g_utf8_strdown(rb_iam_text(tag, "Key"), -1);
        if (strcmp(folded, other) == 0)
            return (gssize)i;
    }
    return -1;
}

static gboolean
check_tag(const RbIamCall *call, const json_t *before, const char *key, const char *value)
{
    if (value == NULL || key[0] == '\0' || g_utf8_strlen(key, -1) > MAX_KEY ||
        g_utf8_strlen(value, -1) > MAX_VALUE || !is_tag_text(key) || !is_tag_text(value))
        return rb_aws_refuse(
            call->error, 400, "ValidationError",
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member "
            "must satisfy its length and pattern");
    if (g_ascii_strncasecmp(key, "aws:", 4) == 0)
        return rb_aws_refuse(call->error, 400, "InvalidInput",
                             "Invalid tag key: %s. Tag keys beginning with aws: are reserved.", key);
    if (find_tag(before, key) >= 0)
        return rb_aws_refuse(call->error, 400, "InvalidInput",
                             "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    return TRUE;
}

json_t *
rb_iam_tags(const RbIamCall *call)
{
    json_t *tags = json_array();

    for (guint i = 1;; i++) {
        g_autofree char *key_field = g_strdup_printf("Tags.member.%u.Key", i);
        g_autofree char *value_field = g_strdup_printf("Tags.member.%u.Value", i);
        const char *key = rb_iam_get(call, key_field), *value = rb_iam_get(call, value_field);

        if (key == NULL)
            break;
        if (!check_tag(call, tags, key, value)) {
            json_decref(tags);
            return NULL;
        }
        (void)json_array_append_new(tags, json_pack("{s:s, s:s}", "Key", key, "Value", value));
    }
    if (json_array_size(tags) <= MAX_TAGS)
        return tags;
    (void)rb_aws_refuse(call->error, 409, "LimitExceeded",
                        "The number of tags has reached the maximum limit.");
    json_decref(tags);
    return NULL;
}

gboolean
rb_iam_tag(RbIamCall *call, json_t *record, const char *quota)
{
    json_t *more = rb_iam_tags(call), *all, *tag;
    gboolean good;
    size_t i;

    if (more == NULL)
        return FALSE;
    all = json_deep_copy(json_object_get(record, "_tags"));
    json_array_foreach(more, i, tag)
    {
        gssize at = find_tag(all, rb_iam_text(tag, "Key"));
        (void)(at < 0 ? json_array_append(all, tag) : json_array_set(all, (size_t)at, tag));
    }
    json_decref(more);
    good = json_array_size(all) <= MAX_TAGS;
    if (good)
        (void)json_object_set(record, "_tags", all);
    else
        (void)rb_aws_refuse(call->error, 409, "LimitExceeded", "Cannot exceed quota for %s: %d", quota,
                            MAX_TAGS);
    json_decref(all);
    return good;
}

gboolean
rb_iam_untag(RbIamCall *call, json_t *record)
{
    json_t *tags = json_object_get(record, "_tags");

    for (guint i = 1;; i++) {
        g_autofree char *field = g_strdup_printf("TagKeys.member.%u", i);
        const char *key = rb_iam_get(call, field);
        gssize at = key == NULL ? -1 : find_tag(tags, key);

        if (key == NULL)
            return TRUE;
        if (at >= 0)
            (void)json_array_remove(tags, (size_t)at);
    }
}

gboolean
rb_iam_list_tags(RbIamCall *call, const json_t *record)
{
    static const char *const lists[] = { "Tags", NULL };
    GPtrArray *rows = rb_iam_rows_new();
    json_t *tag;
    size_t i;

    json_array_foreach(json_object_get(record, "_tags"), i, tag)
    {
        rb_iam_rows_add(rows, lists[0], rb_iam_text(tag, "Key"), json_incref(tag));
    }
    return rb_iam_page(call, rows, lists);
}

void
rb_iam_show_tags(json_t *shown, const json_t *record)
{
    json_t *tags = json_object_get(record, "_tags");

    if (json_array_size(tags) > 0)
        (void)json_object_set_new(shown, "Tags", json_deep_copy(tags));
}
