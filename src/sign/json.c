#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/sign.h"

#include <string.h>

/* The depth is counted before anything is built of it: jansson itself goes 2048 deep. */
static gboolean
depth_fits(const char *bytes, gsize size)
{
    gboolean in_string = FALSE;
    guint depth = 0;

    for (gsize i = 0; i < size; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = FALSE;
        } else if (c == '"')
            in_string = TRUE;
        else if (c == '{' || c == '[') {
            if (++depth > RB_JSON_MAX_DEPTH)
                return FALSE;
        } else if ((c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return TRUE;
}

json_t *
rb_json_parse(const void *bytes, gsize size, RbRefusalCode code, const char *what, GError **error)
{
    json_error_t why;
    json_t *json;

    if (size == 0 || !depth_fits(bytes, size)) {
        (void)rb_refuse(error, code, "%s is empty or more than %d levels deep", what, RB_JSON_MAX_DEPTH);
        return NULL;
    }
    if (memchr(bytes, '\0', size) != NULL) { /* jansson 2.14 skips one behind a number */
        (void)rb_refuse(error, code, "%s is not JSON (a NUL)", what);
        return NULL;
    }
    json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(json))
        return json;
    if (json != NULL)
        (void)rb_refuse(error, code, "%s is not a JSON object", what);
    else /* the parser's own words quote what it read: a place is enough */
        (void)rb_refuse(error, code, "%s is not JSON (%s, at byte %d)", what,
                        json_error_code(&why) == json_error_duplicate_key ? "a member twice" : "syntax",
                        why.position);
    json_decref(json);
    return NULL;
}
