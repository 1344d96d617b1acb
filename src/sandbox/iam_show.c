#include "sandbox/iam_priv.h"

#include "base/encoding.h"
#include "sandbox/sts.h"

#include <string.h>

enum { PAGE = 100, MAX_PAGE = 1000 };

static void
write_value(GString *out, const char *name, const json_t *value)
{
    g_autofree char *number = NULL;
    const json_t *item;
    size_t i;

    if (json_is_string(value)) {
        rb_sts_element(out, name, json_string_value(value));
        return;
    }
    if (json_is_integer(value)) {
        number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        rb_sts_element(out, name, number);
        return;
    }
    if (json_is_boolean(value)) {
        rb_sts_element(out, name, json_is_true(value) ? "true" : "false");
        return;
    }
    g_string_append_printf(out, "<%s>", name);
    if (json_is_object(value))
        rb_iam_write(out, value);
    json_array_foreach(value, i, item)
    {
        write_value(out, "member", item);
    }
    g_string_append_printf(out, "</%s>", name);
}

/* A map is entries of key and value, as the protocol has it. */
static void
write_map(GString *out, const char *name, const json_t *map)
{
    const char *key;
    json_t *value;

    g_string_append_printf(out, "<%s>", name);
    json_object_foreach((json_t *)map, key, value)
    {
        g_string_append(out, "<entry>");
        rb_sts_element(out, "key", key);
        write_value(out, "value", value);
        g_string_append(out, "</entry>");
    }
    g_string_append_printf(out, "</%s>", name);
}

void
rb_iam_write(GString *out, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        if (strcmp(name, "SummaryMap") == 0)
            write_map(out, name, value);
        else if (name[0] != '_')
            write_value(out, name, value);
    }
}

void
rb_iam_set(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(object, name, json_string(text));
}

void
rb_iam_set_document(json_t *object, const char *name, const char *document)
{
    g_autofree char *encoded = rb_uri_encode(document);

    rb_iam_set(object, name, encoded);
}

const char *
rb_iam_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

json_t *
rb_iam_pick(const json_t *record, const char *const *names)
{
    json_t *picked = json_object();

    for (guint i = 0; names[i] != NULL; i++)
        if (json_object_get(record, names[i]) != NULL)
            (void)json_object_set(picked, names[i], json_object_get(record, names[i]));
    return picked;
}

static void
row_free(gpointer data)
{
    RbIamRow *row = data;

    g_free(row->key);
    json_decref(row->shown);
    g_free(row);
}

GPtrArray *
rb_iam_rows_new(void)
{
    return g_ptr_array_new_with_free_func(row_free);
}

void
rb_iam_rows_add(GPtrArray *rows, const char *list, const char *key, json_t *shown)
{
    RbIamRow *row = g_new0(RbIamRow, 1);

    row->key = g_strdup(key);
    row->list = list;
    row->shown = shown;
    g_ptr_array_add(rows, row);
}

/* By list first: a page that ends within one list starts the next page there. */
static int
order(gconstpointer a, gconstpointer b)
{
    const RbIamRow *x = *(RbIamRow *const *)a, *y = *(RbIamRow *const *)b;
    int lists = strcmp(x->list, y->list);

    return lists != 0 ? lists : strcmp(x->key, y->key);
}

static char *
marker_of(const RbIamRow *row)
{
    g_autofree char *plain = g_strdup_printf("%s\n%s", row->list, row->key);

    return rb_base64url_encode(plain, strlen(plain));
}

/* The first row after the one that Marker names, be that still there or not. */
static gboolean
find_start(const RbIamCall *call, const GPtrArray *rows, guint *start)
{
    const char *marker = rb_iam_get(call, "Marker");
    g_autoptr(GBytes) bytes = marker == NULL ? NULL : rb_base64url_decode(marker);
    g_autofree char *plain = NULL;
    char *line;
    gsize size;

    *start = 0;
    if (marker == NULL)
        return TRUE;
    if (bytes != NULL)
        plain = g_strndup(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes));
    line = plain == NULL ? NULL : strchr(plain, '\n');
    if (line == NULL)
        return rb_aws_refuse(call->error, 400, "ValidationError", "Invalid Marker.");
    *line = '\0';
    for (; *start < rows->len; (*start)++) {
        const RbIamRow *row = rows->pdata[*start];
        int lists = strcmp(row->list, plain);

        if (lists > 0 || (lists == 0 && strcmp(row->key, line + 1) > 0))
            break;
    }
    return TRUE;
}

gboolean
rb_iam_page(RbIamCall *call, GPtrArray *rows, const char *const *lists)
{
    g_autoptr(GPtrArray) owned = rows;
    guint page = rb_box_iam_setting(call->iam)->page, start, end;
    g_autofree char *marker = NULL;
    gint64 max;

    g_ptr_array_sort(rows, order);
    if (!rb_iam_number(call, "MaxItems", 1, MAX_PAGE, PAGE, &max) || !find_start(call, rows, &start))
        return FALSE;
    if (page > 0)
        max = MIN(max, page);
    end = MIN(rows->len, start + (guint)max);
    call->result = json_object();
    for (guint i = 0; lists[i] != NULL; i++)
        (void)json_object_set_new(call->result, lists[i], json_array());
    for (guint i = start; i < end; i++) {
        const RbIamRow *row = rows->pdata[i];
        (void)json_array_append(json_object_get(call->result, row->list), row->shown);
    }
    (void)json_object_set_new(call->result, "IsTruncated", json_boolean(end < rows->len));
    if (end < rows->len) {
        marker = marker_of(rows->pdata[end - 1]);
        rb_iam_set(call->result, "Marker", marker);
    }
    return TRUE;
}
