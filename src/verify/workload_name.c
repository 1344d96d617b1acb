#include "base/encoding.h"
#include "verify/workload.h"

#include <string.h>

/* What a workload is called in AWS: a template over its claims. */

static void
part_clear(gpointer data)
{
    RbNamePart *part = data;

    g_free(part->text);
    g_free(part->claim);
}

/* One placeholder from @at (behind "${") on. Returns: the character behind its "}", or NULL. */
static const char *
read_claim(const char *at, char **claim)
{
    const char *end = strchr(at, '}');

    *claim = end == NULL || end == at ? NULL : g_strndup(at, (gsize)(end - at));
    return *claim == NULL || strpbrk(*claim, "${") != NULL ? NULL : end + 1;
}

/* Why @parts cannot be a name, or NULL. */
static const char *
judge(const GArray *parts)
{
    if (parts->len < 2)
        return "a name without a claim would be the same for every workload";
    if (parts->len > RB_WORKLOAD_MAX_NAME_PARTS)
        return "a name of more than 15 claims";
    for (guint i = 0; i < parts->len; i++) {
        const char *text = g_array_index(parts, RbNamePart, i).text;
        if (i > 0 && i + 1 < parts->len && *text == '\0')
            return "two claims with nothing between them: different workloads could get one name";
        if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") !=
            strlen(text))
            return "a name in AWS has letters, digits and _+=,.@- alone";
    }
    return NULL;
}

GArray *
rb_name_template_parse(const char *text, const char **why)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, TRUE, sizeof(RbNamePart));

    g_array_set_clear_func(parts, part_clear);
    for (const char *at = text; at != NULL;) {
        const char *mark = strstr(at, "${");
        RbNamePart part = { .text = mark == NULL ? g_strdup(at) : g_strndup(at, (gsize)(mark - at)) };
        at = mark == NULL ? NULL : read_claim(mark + strlen("${"), &part.claim);
        g_array_append_val(parts, part);
        if (mark != NULL && at == NULL) {
            *why = "a '${' without a claim's name and '}'";
            return NULL;
        }
    }
    *why = judge(parts);
    return *why == NULL ? g_steal_pointer(&parts) : NULL;
}

/* The one value of attribute @claim. */
static const char *
value_of(const GArray *attributes, const char *claim, GError **error)
{
    for (guint i = 0; i < attributes->len; i++) {
        const RbAttribute *attribute = &g_array_index(attributes, RbAttribute, i);
        if (strcmp(attribute->name, claim) != 0)
            continue;
        if (attribute->values[1] != NULL || *attribute->values[0] == '\0')
            break;
        return attribute->values[0];
    }
    (void)rb_refuse(error, RB_IDENTITY_NAME_MISSING, "the claim '%s' is not in the token, once", claim);
    return NULL;
}

/* "a-b" and "c" would be what "a" and "b-c" are: a value ends at the first separator. */
static gboolean
ends_clearly(const char *value, const RbNamePart *part, const RbNamePart *next, GError **error)
{
    g_autofree char *quoted = NULL;

    if (next->claim == NULL || strchr(value, next->text[0]) == NULL)
        return TRUE;
    quoted = rb_text_quote(value);
    return rb_refuse(error, RB_IDENTITY_NAME_UNUSABLE,
                     "'%s' is %s, with the '%c' that separates it from what follows in the name", part->claim,
                     quoted, next->text[0]);
}

char *
rb_name_template_fill(const GArray *parts, const GArray *attributes, GError **error)
{
    g_autoptr(GString) name = g_string_new(NULL);

    for (guint i = 0; i < parts->len; i++) {
        const RbNamePart *part = &g_array_index(parts, RbNamePart, i);
        const char *value;
        g_string_append(name, part->text);
        if (part->claim == NULL)
            break;
        value = value_of(attributes, part->claim, error);
        if (value == NULL || !ends_clearly(value, part, part + 1, error))
            return NULL;
        g_string_append(name, value);
    }
    return rb_identity_check_name(name->str, error) ? g_strdup(name->str) : NULL;
}
